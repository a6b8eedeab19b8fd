import { isTemporary, ProblemError } from "@/api/errors";
import type { Order } from "@/api/models";
import { createOrder, type Line } from "@/api/orders/create-order";

import { intend, markSent, settle } from "./intent";

const PAUSES_MS = [600, 2_000];

/**
 * Places one order for the lines, however often it is called for them.
 *
 * An answer that is lost is asked for again under the same key; so the shop either does what was
 * asked, or tells what it did the first time. The key is given up only with an answer that is final.
 *
 * @param onRetry is told before each further attempt.
 * @throws ProblemError where the order is refused; its intent is over, unless an attempt before was
 *   lost and the session has ended meanwhile.
 * @throws Unreachable, or a temporary ProblemError, where the outcome stays unknown.
 */
export async function placeOrder(
  lines: readonly Line[],
  onRetry: () => void = () => undefined,
): Promise<Order> {
  const { key, isSent } = intend(lines);
  let isUnknown = isSent;
  for (let attempt = 0; ; attempt += 1) {
    markSent(key);
    try {
      const order = await createOrder(lines, key);
      settle(key);
      return order;
    } catch (error) {
      if (!isTemporary(error)) {
        // Refused for want of a session, it says nothing about the attempts before.
        const isUnheard = error instanceof ProblemError && error.status === 401;
        if (!(isUnheard && isUnknown)) settle(key);
        throw error;
      }
      isUnknown = true;
      const pause = PAUSES_MS[attempt];
      if (pause === undefined) throw error;
      onRetry();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
