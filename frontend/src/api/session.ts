/**
 * Who is signed in, in this tab. The access token is here and nowhere else: not in storage, where a
 * foreign script would find it. The refresh token is a cookie that no script sees.
 */
import { stored } from "@/lib/stored";

import { ProblemError } from "./errors";
import { refreshToken } from "./identity/refresh-token";
import type { Account, Tokens } from "./models";

export interface SessionState {
  /** Null for a guest. */
  account: Account | null;
  /** Whether `account` is known; it is not while a page that was loaded anew asks for it. */
  isKnown: boolean;
}

/** An access token is exchanged this long before it runs out. */
const SPARE_MS = 60_000;
const PAUSE_MS = 3_000;

/** Whether a session was begun in this browser: whether asking for a token is worth it. */
const isBegun = stored("session", false, (raw) => raw === true);

let access: { token: string; endsAt: number } | null = null;
let state: SessionState = { account: null, isKnown: false };
let renewing: Promise<string | null> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function show(account: Account | null) {
  state = { account, isKnown: true };
  for (const listener of listeners) listener();
}

/** Goes on as the account that the tokens are for. */
export function begin({ access_token: token, expires_in: seconds, account }: Tokens): string {
  access = { token, endsAt: Date.now() + seconds * 1_000 };
  clearTimeout(timer);
  timer = setTimeout(renewSoon, Math.max(PAUSE_MS, seconds * 1_000 - SPARE_MS));
  isBegun.set(true);
  show(account);
  return token;
}

/** Goes on as a guest. */
export function end(): void {
  access = null;
  clearTimeout(timer);
  isBegun.set(false);
  show(null);
}

/**
 * The token to send; null for a guest. A request that does not wait gets the one that is there.
 *
 * @throws Unreachable where one is needed, and the shop does not answer.
 */
export async function accessToken({ waits }: { waits: boolean }): Promise<string | null> {
  const isFresh = access !== null && access.endsAt - Date.now() > 5_000;
  if (isFresh || !waits) return access?.token ?? null;
  return isBegun.get() ? renew(access?.token ?? null) : null;
}

/**
 * A token in the place of one that was refused; null where the session has ended.
 *
 * @throws Unreachable, or a temporary ProblemError, where it may go on later.
 */
export function renew(stale: string | null): Promise<string | null> {
  renewing ??= inOneTab(() => exchange(stale)).finally(() => {
    renewing = null;
  });
  return renewing;
}

async function exchange(stale: string | null): Promise<string | null> {
  if (access !== null && access.token !== stale) return access.token;
  try {
    if (isBegun.get()) return begin(await refreshToken());
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 401)) throw error;
  }
  end();
  return null;
}

/** One tab after the other: two that showed the same refresh token would look like a theft. */
function inOneTab<T>(work: () => Promise<T>): Promise<T> {
  // Only secure pages have locks; elsewhere the shop's leeway for a lost answer has to do.
  const locks = (navigator as { locks?: LockManager }).locks;
  return locks === undefined ? work() : (locks.request("shophub.session", work) as Promise<T>);
}

function renewSoon() {
  renew(access?.token ?? null).catch(() => {
    timer = setTimeout(renewSoon, PAUSE_MS);
  });
}

/** Finds out who is signed in, and follows what other tabs do; returns what ends it. */
export function followSession(): () => void {
  function follow() {
    if (isBegun.get() && state.account === null) renewSoon();
    if (!isBegun.get() && (state.account !== null || !state.isKnown)) end();
  }
  follow();
  return isBegun.subscribe(follow);
}

export function sessionState(): SessionState {
  return state;
}

export function subscribeToSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
