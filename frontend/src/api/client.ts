import createClient from "openapi-fetch";

import { beginTrace } from "@/lib/trace";

import type { paths } from "./schema";
import { Unreachable } from "./errors";

// Longer than the gateway's own deadline of 10 s: its answer says more than an abort does.
const DEADLINE_MS = 12_000;

async function withDeadline(request: Request): Promise<Response> {
  if (request.method !== "GET") request.headers.set("traceparent", beginTrace());
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const signal = AbortSignal.any([request.signal, deadline]);
  try {
    return await fetch(request, { signal });
  } catch (error) {
    if (request.signal.aborted) throw error; // Nobody waits for it any more.
    throw new Unreachable(error);
  }
}

/** The gateway, at the page's own origin; paths, parameters and bodies are typed by its document. */
export const api = createClient<paths>({
  baseUrl: globalThis.location.origin,
  fetch: withDeadline,
  // Stock changes any moment: a stored answer is used only once its ETag was confirmed.
  cache: "no-cache",
});
