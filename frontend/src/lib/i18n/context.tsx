import { createContext, type ReactNode, use, useEffect, useMemo, useState } from "react";

import { useStored } from "../stored";
import { type Formats, formatsOf } from "./formats";
import { chosenLanguage, currentLanguage, type Language, localeOf } from "./locale";
import { en, type Messages } from "./messages/en";

interface I18n {
  language: Language;
  t: Messages;
  formats: Formats;
}

const Context = createContext<I18n | null>(null);

/** The messages of a language; only English is part of the first load. */
export async function loadMessages(language: Language): Promise<Messages> {
  return language === "de" ? (await import("./messages/de")).de : en;
}

/** Gives the pages their language. `initial` are the messages of the language at the start. */
export function I18nProvider({ initial, children }: { initial: Messages; children: ReactNode }) {
  useStored(chosenLanguage);
  const language = currentLanguage();
  const [messages, setMessages] = useState(initial);

  useEffect(() => {
    let isCurrent = true;
    void loadMessages(language).then((loaded) => {
      if (isCurrent) setMessages(loaded);
    });
    return () => {
      isCurrent = false;
    };
  }, [language]);

  useEffect(() => {
    document.documentElement.lang = messages.language;
  }, [messages]);

  const value = useMemo(() => {
    const shown = messages.language;
    return { language: shown, t: messages, formats: formatsOf(localeOf(shown)) };
  }, [messages]);
  return <Context value={value}>{children}</Context>;
}

/** Language, messages (`t`) and formats of the page. */
export function useI18n(): I18n {
  const value = use(Context);
  if (value === null) throw new Error("useI18n needs an I18nProvider around it");
  return value;
}
