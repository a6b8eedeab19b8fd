import { QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { BrowserRouter } from "react-router";

import { I18nProvider, type Messages } from "@/lib/i18n";

import { Crash } from "./crash";
import { queryClient } from "./query-client";
import { Pages } from "./routes";
import { SessionProvider } from "./session";

/** Everything that pages find around them. `messages` are those of the language at the start. */
export function App({ messages }: { messages: Messages }) {
  const [queries] = useState(queryClient);
  return (
    <I18nProvider initial={messages}>
      <Crash>
        <QueryClientProvider client={queries}>
          <SessionProvider>
            <BrowserRouter>
              <Pages />
            </BrowserRouter>
          </SessionProvider>
        </QueryClientProvider>
      </Crash>
    </I18nProvider>
  );
}
