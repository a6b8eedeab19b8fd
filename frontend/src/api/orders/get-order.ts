import { queryOptions } from "@tanstack/react-query";

import { answer } from "../answer";
import { api } from "../client";
import { OrderWithTimeline } from "../models";

/** An order with its timeline; it is asked for again until nothing more can happen to it. */
export function getOrder(id: number) {
  return queryOptions({
    queryKey: ["orders", "one", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/orders/{id}", { params: { path: { id } }, signal }), OrderWithTimeline),
    refetchInterval: ({ state }) => {
      const order = state.data;
      if (order === undefined || order.status === "rejected") return false;
      if (order.status === "confirmed") return 5_000;
      const isReleased = order.timeline.some((entry) => entry.status === "released");
      return isReleased ? false : 1_500;
    },
  });
}
