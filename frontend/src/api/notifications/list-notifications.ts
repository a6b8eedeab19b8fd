import { queryOptions } from "@tanstack/react-query";

import { answerPage } from "../answer";
import { api } from "../client";
import { Notification } from "../models";

/** The newest notifications, asked for each two seconds unless the feed is paused. */
export function listNotifications({ limit = 40, isPaused = false } = {}) {
  return queryOptions({
    queryKey: ["notifications", limit],
    queryFn: ({ signal }) =>
      answerPage(
        api.GET("/api/notifications", { params: { query: { limit } }, signal }),
        Notification,
      ),
    refetchInterval: isPaused ? false : 2_000,
  });
}
