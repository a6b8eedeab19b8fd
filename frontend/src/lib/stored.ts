import { useSyncExternalStore } from "react";

/** A value that survives reloads and is the same in every tab of this browser. */
export interface Stored<T> {
  get: () => T;
  /** Changes start from what is stored, so that what another tab has just written is not lost. */
  set: (change: T | ((current: T) => T)) => void;
  subscribe: (listener: () => void) => () => void;
}

/**
 * A value in localStorage under `shophub.<name>`.
 *
 * @param parse reads what was stored, perhaps by an older version of the shop; it throws where it
 *   cannot, and the value starts anew.
 */
export function stored<T>(name: string, initial: T, parse: (raw: unknown) => T): Stored<T> {
  const key = `shophub.${name}`;
  const listeners = new Set<() => void>();
  let text: string | null = null;
  let value = initial;
  let isRead = false;

  function read(): T {
    let found: string | null;
    try {
      found = localStorage.getItem(key);
    } catch {
      return value; // Storage is closed: the value lives as long as the page.
    }
    if (isRead && found === text) return value;
    isRead = true;
    text = found;
    try {
      value = found === null ? initial : parse(JSON.parse(found));
    } catch {
      value = initial;
    }
    return value;
  }

  function tell() {
    for (const listener of listeners) listener();
  }

  function hear(event: StorageEvent) {
    if (event.key === key || event.key === null) tell();
  }

  return {
    get: read,
    set(change) {
      const current = read();
      const next = change instanceof Function ? change(current) : change;
      if (Object.is(next, current)) return;
      value = next;
      text = JSON.stringify(next);
      try {
        localStorage.setItem(key, text);
      } catch {
        // Storage is closed or full: the value lives as long as the page.
      }
      tell();
    },
    subscribe(listener) {
      if (listeners.size === 0) addEventListener("storage", hear);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) removeEventListener("storage", hear);
      };
    },
  };
}

/** The current value, in a component that follows it. */
export function useStored<T>(store: Stored<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}
