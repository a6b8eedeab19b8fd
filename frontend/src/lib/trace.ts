import { randomId } from "./random-id";

/**
 * A W3C `traceparent` of a trace that begins in this browser and is recorded. What somebody does
 * can so be followed from here to the notification that it leads to; what is only looked at is left
 * to the gateway, which records a few of it.
 */
export function beginTrace(): string {
  const hex = (): string => randomId().replaceAll("-", "");
  return `00-${hex()}-${hex().slice(0, 16)}-01`;
}
