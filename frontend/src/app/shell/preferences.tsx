import { Icon } from "@/components/icon";
import { chosenLanguage, LANGUAGES, useI18n } from "@/lib/i18n";
import { useStored } from "@/lib/stored";
import { type Theme, theme } from "@/lib/theme";

import styles from "./preferences.module.css";

const NAMES = { en: "English", de: "Deutsch" };
const THEMES: readonly Theme[] = ["system", "light", "dark"];
const ICONS = { system: "contrast", light: "sun", dark: "moon" } as const;

export function LanguageChoice() {
  const { language, t } = useI18n();
  return (
    <label className={styles.choice}>
      <Icon name="globe" />
      <span className="visually-hidden">{t.shell.languageLabel}</span>
      <select
        value={language}
        onChange={(event) => {
          const chosen = LANGUAGES.find((known) => known === event.currentTarget.value);
          if (chosen) chosenLanguage.set(chosen);
        }}
      >
        {LANGUAGES.map((known) => (
          <option key={known} value={known} lang={known}>
            {NAMES[known]}
          </option>
        ))}
      </select>
    </label>
  );
}

export function ThemeChoice() {
  const { t } = useI18n();
  const chosen = useStored(theme);
  return (
    <label className={styles.choice}>
      <Icon name={ICONS[chosen]} />
      <span className="visually-hidden">{t.shell.theme}</span>
      <select
        value={chosen}
        onChange={(event) => {
          const next = THEMES.find((known) => known === event.currentTarget.value);
          if (next) theme.set(next);
        }}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {t.shell.themes[each]}
          </option>
        ))}
      </select>
    </label>
  );
}
