import type { Product } from "@/api/models";
import type { NewProduct } from "@/api/inventory/create-product";
import { parsePrice, toAmount, toDecimal } from "@/lib/money";
import type { Messages } from "@/lib/i18n";

const MOST = 1_000_000_000;

/** What stands in the form's fields, as it was typed. */
export interface Draft {
  name: string;
  description: string;
  price: string;
  category: string;
  image: string;
  stock: string;
  threshold: string;
}

export type Errors = Partial<Record<keyof Draft, string>>;

export const EMPTY: Draft = {
  name: "",
  description: "",
  price: "",
  category: "",
  image: "",
  stock: "0",
  threshold: "10",
};

/** The fields for a product; its stock is left open, as only a count of the shelf changes it. */
export function draftOf(product: Product): Draft {
  return {
    name: product.name,
    description: product.description,
    price: toDecimal(product.price),
    category: product.category ?? "",
    image: product.image_url ?? "",
    stock: "",
    threshold: String(product.low_stock_threshold),
  };
}

/** A whole number that the shop takes; null where it is none. */
export function parseCount(text: string, least = 0): number | null {
  if (!/^\d{1,10}$/.test(text.trim())) return null;
  const value = Number(text);
  return value >= least && value <= MOST ? value : null;
}

/** The product that the fields describe, or what is wrong with them. */
export function read(
  draft: Draft,
  t: Messages,
  { needsStock }: { needsStock: boolean },
): { product: Omit<NewProduct, "stock"> & { stock?: number } } | { errors: Errors } {
  const errors: Errors = {};
  const name = draft.name.trim();
  if (name === "") errors.name = t.admin.errors.required;
  const price = parsePrice(draft.price);
  if (price === null) errors.price = t.admin.errors.price;
  const threshold = parseCount(draft.threshold);
  if (threshold === null) errors.threshold = t.admin.errors.whole;
  const isCounted = needsStock || draft.stock.trim() !== "";
  const stock = isCounted ? parseCount(draft.stock) : undefined;
  if (stock === null) errors.stock = t.admin.errors.whole;
  if (Object.keys(errors).length > 0) return { errors };
  return {
    product: {
      name,
      description: draft.description.trim(),
      price: toAmount(price!),
      category: draft.category.trim() || null,
      image_url: draft.image.trim() || null,
      low_stock_threshold: threshold!,
      ...(typeof stock === "number" && { stock }),
    },
  };
}

const FIELDS: Record<string, keyof Draft> = {
  name: "name",
  description: "description",
  price: "price",
  category: "category",
  image_url: "image",
  stock: "stock",
  low_stock_threshold: "threshold",
};

/** The shop's own complaints, each at its field. */
export function errorsOf(fields: readonly { field: string; message: string }[]): Errors {
  const errors: Errors = {};
  for (const { field, message } of fields) {
    const known = FIELDS[field];
    if (known) errors[known] = message;
  }
  return errors;
}

/** Fields in which the stored product is not what the draft says. */
export function differences(draft: Draft, stored: Product): (keyof Draft)[] {
  const theirs = draftOf(stored);
  const same = (key: keyof Draft) =>
    key === "price"
      ? parsePrice(draft.price) === stored.price
      : draft[key].trim() === theirs[key].trim();
  const keys = Object.keys(theirs) as (keyof Draft)[];
  return keys.filter((key) => key !== "stock" && !same(key));
}
