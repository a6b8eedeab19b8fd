import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";

import type { Product } from "@/api/models";
import { I18nProvider } from "@/lib/i18n";
import { en } from "@/lib/i18n/messages/en";
import type { Cents } from "@/lib/money";

/** Renders with everything that a page has around it, at an address. */
export function renderAt(address: string, content: ReactNode) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const view = render(
    <I18nProvider initial={en}>
      <QueryClientProvider client={queries}>
        <MemoryRouter initialEntries={[address]}>{content}</MemoryRouter>
      </QueryClientProvider>
    </I18nProvider>,
  );
  return { ...view, user: userEvent.setup() };
}

/** A product as the storefront knows it. */
export function product(part: Partial<Product> = {}): Product {
  return {
    id: 1,
    name: "Laptop",
    description: "",
    price: 99999 as Cents,
    stock: 5,
    category: "Computers",
    image_url: null,
    low_stock_threshold: 10,
    created_at: "2026-11-23T06:18:53.283062Z",
    updated_at: "2026-11-23T06:18:53.283062Z",
    ...part,
  };
}

/** What the shop answers: a body and a status, or an error where nothing answers. */
export type Answer = { status?: number; body: unknown; headers?: Record<string, string> } | Error;

/** Puts answers in the place of the shop, by method and path; returns the requests that came. */
export function shopAnswers(answers: Record<string, Answer | Answer[]>): Request[] {
  const requests: Request[] = [];
  const rest = new Map(Object.entries(answers).map(([route, each]) => [route, [each].flat()]));
  globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    requests.push(request);
    const route = `${request.method} ${new URL(request.url).pathname}`;
    const queue = rest.get(route) ?? [];
    const answer = queue.length > 1 ? queue.shift() : queue[0];
    if (answer === undefined) throw new Error(`nothing is said about ${route}`);
    if (answer instanceof Error) return Promise.reject(answer);
    const { status = 200, body, headers = {} } = answer;
    return Promise.resolve(Response.json(body, { status, headers }));
  };
  return requests;
}
