import { answer } from "../answer";
import { Tokens } from "../models";
import { identity } from "./client";

/**
 * Signs in. The refresh token goes into a cookie that no script can read.
 *
 * @throws ProblemError of kind "invalid-credentials" or "too-many-attempts".
 */
export function issueToken(email: string, password: string): Promise<Tokens> {
  const body = { email, password, session: "cookie" as const };
  return answer(identity.POST("/api/auth/token", { body }), Tokens);
}
