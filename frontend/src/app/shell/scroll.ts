import { useEffect, useLayoutEffect } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

const places = new Map<string, number>();

/** A new page starts at its top; going back leads to where one was. */
export function useScroll(): void {
  const { key, pathname } = useLocation();
  const type = useNavigationType();

  useEffect(() => {
    history.scrollRestoration = "manual";
  }, []);

  useLayoutEffect(() => {
    const place = type === NavigationType.Pop ? (places.get(key) ?? 0) : 0;
    if (type !== NavigationType.Replace) scrollTo({ top: place, behavior: "instant" });
    function remember() {
      places.set(key, scrollY);
    }
    addEventListener("scroll", remember, { passive: true });
    return () => {
      removeEventListener("scroll", remember);
    };
    // The path is named so that a page without a change of key is not taken for the one before.
  }, [key, pathname, type]);
}
