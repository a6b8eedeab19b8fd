import createClient from "openapi-fetch";

import { fetchInTime } from "./fetch-in-time";
import type { paths } from "./schema";
import { accessToken, renew } from "./session";

/** Sends a request as whoever is signed in; a token that has run out is exchanged once. */
async function fetchSigned(request: Request): Promise<Response> {
  const again = request.clone();
  const token = await accessToken({ waits: !isForAnybody(request) });
  const response = await fetchInTime(signed(request, token));
  if (response.status !== 401) return response;
  const fresh = await renew(token);
  return fresh === null ? response : fetchInTime(signed(again, fresh));
}

/** Whether it needs no token: the catalogue is there before it is known who looks at it. */
function isForAnybody({ method, url }: Request): boolean {
  return method === "GET" && /^\/api\/(products|categories)\b/.test(new URL(url).pathname);
}

function signed(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set("Authorization", `Bearer ${token}`);
  return request;
}

/** The gateway, at the page's own origin; paths, parameters and bodies are typed by its document. */
export const api = createClient<paths>({
  baseUrl: globalThis.location.origin,
  fetch: fetchSigned,
  // Stock changes any moment: a stored answer is used only once its ETag was confirmed.
  cache: "no-cache",
});
