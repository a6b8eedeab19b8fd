/**
 * Takes a picture of every page of the shop that runs, on a desktop and a phone, in both themes and
 * languages: `npm run screenshots -- <folder> [name …]`.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { BrowserContext, Page } from "playwright-core";

import { launch, STOREFRONT } from "./browser";

const [folder = "screenshots", ...wanted] = process.argv.slice(2);

const DEVICES = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
};
const LOOKS = [
  { theme: "light", locale: "en-GB" },
  { theme: "dark", locale: "de-DE" },
] as const;

const SHOTS: Record<string, (page: Page) => Promise<void>> = {
  catalogue: async (page) => {
    await page.goto("/");
    await page.getByRole("article").first().waitFor();
  },
  search: async (page) => {
    await page.goto("/?q=te&in_stock=true&sort=price");
    await page.getByRole("article").first().waitFor();
  },
  nothing: async (page) => {
    await page.goto("/?q=zzzz");
    await page.getByRole("heading", { level: 2 }).waitFor();
  },
  product: async (page) => {
    await page.goto("/");
    await page.getByRole("article").nth(4).getByRole("link").click();
    await page.getByRole("article").nth(2).waitFor();
  },
  drawer: async (page) => {
    await fill(page);
    await page.locator("header button[aria-haspopup=dialog]").click();
    await page.getByRole("dialog").waitFor();
  },
  cart: async (page) => {
    await fill(page);
    await page.goto("/cart");
    await page.getByRole("listitem").first().waitFor();
  },
  checkout: async (page) => {
    await fill(page);
    await page.goto("/checkout");
    await page.getByRole("listitem").first().waitFor();
  },
  order: async (page) => {
    await fill(page);
    await page.goto("/checkout");
    await page.locator("aside button").last().click();
    await page.waitForURL(/\/orders\/\d+/);
    await page.getByRole("list").first().waitFor();
  },
  orders: async (page) => {
    await page.goto("/orders");
    await page.locator("main a[href^='/orders/']").first().waitFor();
  },
  admin: async (page) => {
    await page.goto("/admin");
    await page.getByRole("row").nth(3).waitFor();
  },
  editor: async (page) => {
    await page.goto("/admin");
    await page.getByRole("row").nth(2).getByRole("button").first().click();
    await page.getByRole("dialog").locator("input").first().waitFor();
  },
  low: async (page) => {
    await page.goto("/admin/low-stock");
    await page.getByRole("row").nth(1).waitFor();
  },
  activity: async (page) => {
    await page.goto("/admin/activity");
    await page.locator("main ol li").first().waitFor();
  },
};

async function fill(page: Page): Promise<void> {
  await page.goto("/");
  const buttons = page.getByRole("article").locator("button:enabled");
  for (const index of [0, 3, 5]) await buttons.nth(index).click();
}

async function look(context: BrowserContext, name: string, suffix: string): Promise<void> {
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") console.log(`${name}: ${message.text()}`);
  });
  try {
    await SHOTS[name]?.(page);
    await page.waitForLoadState("networkidle", { timeout: 2_000 }).catch(() => undefined);
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(folder, `${name}-${suffix}.png`) });
  } catch (error) {
    console.log(`${name}-${suffix}: ${String(error)}`);
  } finally {
    await page.close();
  }
}

await mkdir(folder, { recursive: true });
const browser = await launch();
for (const [device, options] of Object.entries(DEVICES)) {
  for (const { theme, locale } of LOOKS) {
    const context = await browser.newContext({
      ...options,
      locale,
      colorScheme: theme,
      baseURL: STOREFRONT,
    });
    context.setDefaultTimeout(8_000);
    for (const name of wanted.length > 0 ? wanted : Object.keys(SHOTS)) {
      await look(context, name, `${device}-${theme}-${locale.slice(0, 2)}`);
    }
    await context.close();
  }
}
await browser.close();
