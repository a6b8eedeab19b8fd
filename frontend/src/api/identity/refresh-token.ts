import { answer } from "../answer";
import { Tokens } from "../models";
import { identity } from "./client";

/**
 * Goes on with the session whose cookie the browser holds.
 *
 * @throws ProblemError of status 401 where it has ended.
 */
export function refreshToken(): Promise<Tokens> {
  return answer(identity.POST("/api/auth/refresh"), Tokens);
}
