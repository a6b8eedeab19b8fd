import { answer } from "../answer";
import { api } from "../client";
import { Order } from "../models";

/**
 * Calls an order off; doing so again changes nothing.
 *
 * @throws ProblemError of kind "order-not-cancellable" where it was rejected.
 */
export function cancelOrder(id: number): Promise<Order> {
  return answer(api.POST("/api/orders/{id}/cancel", { params: { path: { id } } }), Order);
}
