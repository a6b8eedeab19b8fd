import { succeeded } from "../answer";
import { identity } from "./client";

/** Signs out: the session ends, and its cookie goes. */
export async function endSession(): Promise<void> {
  await succeeded(identity.POST("/api/auth/logout"));
}
