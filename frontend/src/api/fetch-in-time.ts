import { beginTrace } from "@/lib/trace";

import { Unreachable } from "./errors";

// Longer than the gateway's own deadline of 10 s: its answer says more than an abort does.
const DEADLINE_MS = 12_000;

/** Sends a request and waits for its answer, but not for ever; what is done begins a trace. */
export async function fetchInTime(request: Request): Promise<Response> {
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
