export { I18nProvider, loadMessages, useI18n } from "./context";
export { type Formats } from "./formats";
export { chosenLanguage, currentLanguage, type Language, LANGUAGES } from "./locale";
export { type Messages } from "./messages/en";
