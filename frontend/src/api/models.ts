/**
 * What the shop answers, as the storefront uses it: checked at the edge, money in cents. The types
 * at the end hold each schema against the generated ones, so that a changed API does not compile.
 */
import * as v from "valibot";

import { toCents } from "@/lib/money";

import type { components } from "./schema";

const money = v.pipe(
  v.number(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return toCents(dataset.value);
    } catch {
      addIssue({ message: "no amount of money" });
      return NEVER;
    }
  }),
);
const count = v.pipe(v.number(), v.integer());
const time = v.string();

export const Product = v.object({
  id: count,
  name: v.string(),
  description: v.string(),
  price: money,
  stock: count,
  category: v.nullable(v.string()),
  image_url: v.nullable(v.string()),
  low_stock_threshold: count,
  created_at: time,
  updated_at: time,
});
export type Product = v.InferOutput<typeof Product>;

export const Category = v.object({ name: v.string() });
export type Category = v.InferOutput<typeof Category>;

const OrderLine = v.object({
  product_id: count,
  quantity: count,
  name: v.optional(v.nullable(v.string()), null),
  unit_price: v.optional(v.nullable(money), null),
});
export type OrderLine = v.InferOutput<typeof OrderLine>;

export const ORDER_STATUSES = ["pending", "confirmed", "rejected", "cancelled"] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

export const Order = v.object({
  id: count,
  items: v.array(OrderLine),
  total_price: v.nullable(money),
  status: v.picklist(ORDER_STATUSES),
  created_at: time,
});
export type Order = v.InferOutput<typeof Order>;

export const OrderWithTimeline = v.object({
  ...Order.entries,
  timeline: v.array(v.object({ status: v.picklist([...ORDER_STATUSES, "released"]), at: time })),
  rejection: v.nullable(v.looseObject({ detail: v.optional(v.string()) })),
  cancelled_by: v.nullable(v.picklist(["customer", "system"])),
});
export type OrderWithTimeline = v.InferOutput<typeof OrderWithTimeline>;

export const NOTIFICATION_TYPES = [
  "product.created",
  "product.updated",
  "product.stock_low",
  "product.deleted",
  "order.created",
  "order.rejected",
  "order.cancelled",
] as const;

export const Notification = v.object({
  id: count,
  type: v.picklist(NOTIFICATION_TYPES),
  title: v.string(),
  message: v.string(),
  subject: v.string(),
  created_at: time,
  delivered_at: v.nullable(time),
});
export type Notification = v.InferOutput<typeof Notification>;

export const Account = v.object({
  id: v.string(),
  email: v.string(),
  name: v.nullable(v.string()),
  role: v.picklist(["customer", "admin"]),
});
export type Account = v.InferOutput<typeof Account>;

export const Tokens = v.object({
  access_token: v.string(),
  expires_in: v.number(),
  account: Account,
});
export type Tokens = v.InferOutput<typeof Tokens>;

/** `/health` is no part of the document: it is the gateway's own. */
export const Health = v.object({
  status: v.picklist(["ok", "degraded"]),
  /** Whether the shop knows accounts; without them everybody may do everything. */
  auth: v.optional(v.picklist(["on", "off"]), "off"),
  services: v.record(
    v.string(),
    v.object({
      state: v.picklist(["up", "down", "idle"]),
      seen_seconds_ago: v.optional(v.number()),
    }),
  ),
});
export type Health = v.InferOutput<typeof Health>;

type Schemas = components["schemas"];
type Accepts<Schema extends v.GenericSchema, Answer extends v.InferInput<Schema>> = Answer;
/** Fails to compile where the document allows an answer that a schema above refuses. */
export type Documented = [
  Accepts<typeof Product, Schemas["Product"]>,
  Accepts<typeof Category, Schemas["Category"]>,
  Accepts<typeof Order, Schemas["Order"]>,
  Accepts<typeof OrderWithTimeline, Schemas["OrderWithTimeline"]>,
  Accepts<typeof Notification, Schemas["Notification"]>,
  Accepts<typeof Tokens, Schemas["Tokens"]>,
];
