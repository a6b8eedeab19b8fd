import { stored } from "./stored";

export type Theme = "system" | "light" | "dark";

/** The chosen theme. `public/before-paint.js` reads the same key before the first paint. */
export const theme = stored<Theme>("theme", "system", (raw) =>
  raw === "light" || raw === "dark" ? raw : "system",
);

/** Keeps the document in the chosen theme; returns what ends it. */
export function followTheme(): () => void {
  function apply() {
    const chosen = theme.get();
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  }
  apply();
  return theme.subscribe(apply);
}
