import createClient from "openapi-fetch";

import { fetchInTime } from "../fetch-in-time";
import type { paths } from "../schema";

/** The gateway for what is asked without an access token: how one is got, and given back. */
export const identity = createClient<paths>({
  baseUrl: globalThis.location.origin,
  fetch: fetchInTime,
  cache: "no-store",
});
