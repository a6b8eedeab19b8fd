import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { AxeResults } from "axe-core";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";

import { launch, STOREFRONT } from "./browser";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const PHONE_SIZE = { width: 390, height: 844 };

export const PHONE: BrowserContextOptions = {
  viewport: PHONE_SIZE,
  isMobile: true,
  hasTouch: true,
};

/** The browser of a test file, and the visitors who use it. */
export function visitors() {
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map(leave));
    // A refused script or style, or an error that nobody caught, fails the test that met it.
    expect(complaints.splice(0)).toEqual([]);
  });

  /** A visitor with a cart, a language and a theme of their own. */
  return async function visitor(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      baseURL: STOREFRONT,
      locale: "en-GB",
      reducedMotion: "reduce",
      ...options,
    });
    contexts.push(context);
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy|Content-Security-Policy/.test(message.text())) {
        complaints.push(message.text());
      }
    });
    return page;
  };
}

/** Closes the visitor's browser; an answer that a test makes up meanwhile has nobody to get it. */
async function leave(context: BrowserContext): Promise<void> {
  const routed = [context, ...context.pages()];
  await Promise.all(routed.map((each) => each.unrouteAll({ behavior: "ignoreErrors" })));
  await context.close();
}

export interface Made {
  id: number;
  name: string;
  price: number;
  stock: number;
}

/** Letters that are in no other name: digits would be taken apart by the search. */
export function word(): string {
  return Array.from({ length: 10 }, () => "abcdefghijklmnop"[Math.floor(Math.random() * 16)]).join(
    "",
  );
}

/** A product that no other test uses; its name is in no other product's. */
export async function product(part: Record<string, unknown> = {}): Promise<Made> {
  const name = `Thing ${word()}`;
  return (await call("POST", "/api/products", {
    name,
    price: 19.99,
    stock: 20,
    category: "E2E",
    image_url: "/pictures/laptop.svg",
    ...part,
  })) as Made;
}

/** What the shop lets its sellers do: words that do not break, as long as fields are, and no picture. */
export function unwieldy(): Record<string, unknown> {
  return {
    name: word().repeat(20),
    category: word().repeat(10),
    description: word().repeat(1_000),
    price: 1_000_000_000,
    stock: 1_000_000_000,
    image_url: "http://pictures.invalid/refused.png",
  };
}

/** Who runs the shop, where it has accounts. */
export const ADMIN = { email: process.env.SHOP_EMAIL, password: process.env.SHOP_PASSWORD };

let authorization: Promise<Record<string, string>> | null = null;

async function signIn(): Promise<Record<string, string>> {
  if (ADMIN.email === undefined) return {};
  const response = await fetch(`${STOREFRONT}/api/auth/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(ADMIN),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return { Authorization: `Bearer ${token}` };
}

/** Calls the shop's API as another client would: as its admin, where the shop has accounts. */
export async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  authorization ??= signIn();
  const response = await fetch(STOREFRONT + path, {
    method,
    headers: { "Content-Type": "application/json", ...(await authorization) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)}`);
  return response.status === 204 ? null : ((await response.json()) as unknown);
}

/** Orders that hold the product, by status. */
export async function ordersOf(id: number): Promise<string[]> {
  const orders = (await call("GET", "/api/orders?limit=100")) as {
    status: string;
    items: { product_id: number }[];
  }[];
  return orders
    .filter((order) => order.items.some((line) => line.product_id === id))
    .map((order) => order.status);
}

/** Lets the visitor have products in the cart already, before the first page is opened. */
export async function haveInCart(page: Page, ...lines: [Made, number][]): Promise<void> {
  const cart = lines.map(([{ id, name, price }, quantity]) => ({
    id,
    quantity,
    name,
    price: Math.round(price * 100),
    image: null,
  }));
  await page.addInitScript((kept) => {
    if (localStorage.getItem("shophub.cart") === null) localStorage.setItem("shophub.cart", kept);
  }, JSON.stringify(cart));
}

/** Puts a product into the cart from its own page. */
export async function putIntoCart(page: Page, thing: Made, quantity = 1): Promise<void> {
  await page.goto(`/products/${String(thing.id)}`);
  const field = page.getByRole("spinbutton");
  if (quantity > 1) {
    await field.fill(String(quantity));
    await field.press("Enter");
  }
  await page.getByRole("button", { name: "Add to cart", exact: true }).click();
  await page.getByRole("status").getByText("in your cart").waitFor();
}

/** What can be scrolled sideways though it should not: the page, a dialog, or a part of a dialog. */
export async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("[role=dialog], [role=dialog] > *")]
      .filter((each) => each.scrollWidth > each.clientWidth)
      .map(
        (each) =>
          `${each.className || each.tagName} is ${String(each.scrollWidth - each.clientWidth)} px too wide`,
      ),
  );
}

/** Waits until what has changed is drawn and nothing moves or fades any more. */
export async function atRest(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
  await page.waitForFunction(() =>
    document.getAnimations().every(({ timeline }) => timeline !== document.timeline),
  );
}

/** What axe finds wrong with the page at rest; all of its rules, or those named. */
export async function violations(page: Page, rules?: string[]): Promise<string[]> {
  // A dialog that is only about to appear counts as none, and what it covers as in reach.
  await atRest(page);
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const { violations: found } = await page.evaluate((only) => {
    const { axe } = globalThis as unknown as {
      axe: { run: (options: object) => Promise<AxeResults> };
    };
    return axe.run({
      resultTypes: ["violations"],
      preload: false,
      ...(only !== undefined && { runOnly: only }),
    });
  }, rules);
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`,
  );
}
