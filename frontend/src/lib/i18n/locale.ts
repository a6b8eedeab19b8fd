import { stored } from "../stored";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

function isLanguage(value: unknown): value is Language {
  return LANGUAGES.some((language) => language === value);
}

/** The language of the browser, as far as the shop speaks it. */
function preferred(): Language {
  const spoken = navigator.languages.map((tag) => tag.slice(0, 2));
  return spoken.find(isLanguage) ?? "en";
}

/** The language that was chosen, or null for the browser's own. */
export const chosenLanguage = stored<Language | null>("language", null, (raw) =>
  isLanguage(raw) ? raw : null,
);

export function currentLanguage(): Language {
  return chosenLanguage.get() ?? preferred();
}

/** The locale for prices and dates: the browser's variant of the language where it has one. */
export function localeOf(language: Language): string {
  return (
    navigator.languages.find((tag) => tag.startsWith(`${language}-`)) ??
    (language === "en" ? "en-GB" : "de-DE")
  );
}
