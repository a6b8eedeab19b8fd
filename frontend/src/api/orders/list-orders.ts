import { infiniteQueryOptions } from "@tanstack/react-query";

import { answerPage } from "../answer";
import { api } from "../client";
import { Order, type OrderStatus } from "../models";

const SLOW_MS = 10_000;
const FAST_MS = 1_500;

/** The orders, newest first; they are asked for again, often while one is still on its way. */
export function listOrders(status: OrderStatus | null, limit = 20) {
  return infiniteQueryOptions({
    queryKey: ["orders", "list", status, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = {
        limit,
        ...(pageParam === null ? {} : { after: pageParam }),
        ...(status === null ? {} : { status }),
      };
      return answerPage(api.GET("/api/orders", { params: { query }, signal }), Order);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: ({ state }) => {
      const orders = state.data?.pages.flatMap((page) => page.items) ?? [];
      return orders.some((order) => order.status === "pending") ? FAST_MS : SLOW_MS;
    },
  });
}
