import * as v from "valibot";

import { ProblemError } from "./errors";

interface Exchange {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/**
 * The body of an answer, checked: nothing that the schema does not describe gets further.
 *
 * @throws ProblemError where the shop refuses, Unreachable where it does not answer, ValiError
 *   where it answers something else than its document says.
 */
export async function answer<Schema extends v.GenericSchema>(
  exchange: Promise<Exchange>,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  return v.parse(schema, (await succeeded(exchange)).data);
}

/** A page of a list, and the cursor of the next one. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** A page of a list, checked; the cursor comes from the Link header. */
export async function answerPage<Schema extends v.GenericSchema>(
  exchange: Promise<Exchange>,
  item: Schema,
): Promise<Page<v.InferOutput<Schema>>> {
  const { data, response } = await succeeded(exchange);
  return { items: v.parse(v.array(item), data), next: nextCursor(response.headers.get("Link")) };
}

/** An answer whose status says that it worked. */
export async function succeeded(exchange: Promise<Exchange>): Promise<Exchange> {
  const settled = await exchange;
  const { response, error } = settled;
  if (!response.ok) {
    const seconds = Number(response.headers.get("Retry-After") ?? NaN);
    throw new ProblemError(response.status, error, Number.isFinite(seconds) ? seconds : null);
  }
  return settled;
}

/** The `after` of the address that a Link header calls next. */
export function nextCursor(link: string | null): string | null {
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  return target === undefined ? null : new URL(target, "http://shop").searchParams.get("after");
}
