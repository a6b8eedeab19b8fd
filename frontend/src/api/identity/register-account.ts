import type { components } from "../schema";
import { succeeded } from "../answer";
import { identity } from "./client";

export type NewAccount = components["schemas"]["NewAccount"];

/**
 * Makes a customer's account.
 *
 * @throws ProblemError of kind "account-exists" where the address has one.
 */
export async function registerAccount(body: NewAccount): Promise<void> {
  await succeeded(identity.POST("/api/auth/accounts", { body }));
}
