import "./app/styles/base.css";

import { createRoot } from "react-dom/client";

import { App } from "./app/app";
import { currentLanguage, loadMessages } from "./lib/i18n";
import { followTheme } from "./lib/theme";

followTheme();

const place = document.getElementById("root");
if (place === null) throw new Error("index.html has no #root");
const root = createRoot(place);
void loadMessages(currentLanguage()).then((messages) => {
  root.render(<App messages={messages} />);
});
