/**
 * Loads each page of the running shop with an empty cache, and prints what a visitor waits for and
 * what it weighs; a figure beyond its budget makes the exit status 1.
 */
import { join } from "node:path";

import type { Browser, Page } from "playwright-core";

import { launch, STOREFRONT } from "./browser";

const BUDGET = { script: 120_000, lcp: 1_500, cls: 0.05 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true };
const DESKTOP = { viewport: { width: 1440, height: 900 } };

interface Figures {
  /** Bytes of JavaScript, gzipped, that the page has loaded once it is still. */
  script: number;
  /** Bytes on the wire in all. */
  total: number;
  requests: number;
  /** Milliseconds to the first and to the largest paint. */
  fcp: number;
  lcp: number;
  cls: number;
  /** Milliseconds beyond 50 of each task that blocked the page. */
  blocked: number;
}

type Observed = Pick<Figures, "fcp" | "lcp" | "cls" | "blocked">;

/** Bytes of a file as gzip: what a browser gets that knows nothing better. */
async function gzipped(url: string): Promise<number> {
  const response = await fetch(url, { method: "HEAD", headers: { "Accept-Encoding": "gzip" } });
  return Number(response.headers.get("Content-Length"));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function settled(page: Page): Promise<void> {
  // Pages that follow the stock never fall silent: the first second and a half is what counts.
  await page.waitForLoadState("load");
  await page.waitForTimeout(1_500);
}

async function measure(browser: Browser, address: string, device: object): Promise<Figures> {
  const context = await browser.newContext({ ...device, baseURL: STOREFRONT, locale: "en-GB" });
  try {
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    const scripts = new Set<string>();
    const figures = { script: 0, total: 0, requests: 0 };
    await devtools.send("Network.enable");
    devtools.on("Network.responseReceived", ({ type, response }) => {
      if (type === "Script") scripts.add(response.url);
    });
    devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
      figures.total += encodedDataLength;
      figures.requests += 1;
    });
    await page.addInitScript({ path: join(import.meta.dirname, "observe.js") });
    await page.goto(address);
    await settled(page);
    figures.script = sum(await Promise.all([...scripts].map(gzipped)));
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: Observed }).seen);
    if (seen.fcp === 0 || seen.lcp === 0) throw new Error(`${address}: no paint was observed`);
    return { ...figures, ...seen };
  } finally {
    await context.close();
  }
}

function row(name: string, figures: Figures): string {
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const milliseconds = (value: number) => `${value.toFixed(0)} ms`;
  return [
    name.padEnd(28),
    kilobytes(figures.script).padStart(10),
    kilobytes(figures.total).padStart(10),
    String(figures.requests).padStart(5),
    milliseconds(figures.fcp).padStart(9),
    milliseconds(figures.lcp).padStart(9),
    figures.cls.toFixed(3).padStart(7),
    milliseconds(figures.blocked).padStart(9),
  ].join("");
}

async function firstProduct(): Promise<string> {
  const response = await fetch(`${STOREFRONT}/api/products?limit=1`);
  const [product] = (await response.json()) as { id: number }[];
  if (product === undefined) throw new Error("The shop is empty: scripts/task seed fills it.");
  return `/products/${String(product.id)}`;
}

const pages = ["/", await firstProduct(), "/cart", "/orders", "/admin"];
const browser = await launch();
const broken: string[] = [];
console.log(`${"PAGE".padEnd(28)}    SCRIPT     TOTAL REQS      FCP      LCP    CLS  BLOCKED`);
for (const [device, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const address of pages) {
    const figures = await measure(browser, address, options);
    const name = `${address} ${device}`;
    console.log(row(name, figures));
    for (const key of ["script", "lcp", "cls"] as const) {
      if (figures[key] > BUDGET[key]) {
        broken.push(
          `${name}: ${key} is ${figures[key].toFixed(3)}, its budget ${String(BUDGET[key])}`,
        );
      }
    }
  }
}
await browser.close();
console.log(broken.length === 0 ? "\nEvery page is within its budget." : `\n${broken.join("\n")}`);
process.exitCode = broken.length === 0 ? 0 : 1;
