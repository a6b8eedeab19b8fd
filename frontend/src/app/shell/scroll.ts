import { useEffect, useLayoutEffect } from "react";
import { useLocation, useNavigationType } from "react-router";

const places = new Map<string, number>();

/** A new page starts at its top; going back leads to where one was. */
export function useScroll(): void {
  const { key, pathname, state } = useLocation();
  const type = useNavigationType();

  useEffect(() => {
    history.scrollRestoration = "manual";
  }, []);

  useLayoutEffect(() => {
    const keepsPlace = (state as { keepsPlace?: boolean } | null)?.keepsPlace === true;
    const place = type === "POP" ? (places.get(key) ?? 0) : 0;
    if (type !== "REPLACE" && !keepsPlace) scrollTo({ top: place, behavior: "instant" });
    function remember() {
      places.set(key, scrollY);
    }
    addEventListener("scroll", remember, { passive: true });
    return () => {
      removeEventListener("scroll", remember);
    };
    // The path is named so that a page without a change of key is not taken for the one before.
  }, [key, pathname, type, state]);
}
