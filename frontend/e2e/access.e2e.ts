import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import {
  atRest,
  call,
  haveInCart,
  type Made,
  PHONE,
  product,
  tooWide,
  unwieldy,
  violations,
  visitors,
} from "./shop";

const visitor = visitors();
/** A page that is enlarged four times has as much room as the smallest phone. */
const NARROWEST = { width: 320, height: 640 };

/** Each page and dialog, ready to be looked at. */
async function eachView(page: Page, thing: Made, look: (name: string) => Promise<void>) {
  const order = (await call("POST", "/api/orders", { product_id: thing.id, quantity: 1 })) as Made;
  const views: [string, string][] = [
    ["/", "article"],
    ["/?q=qqqqzzzz", "main h2"],
    [`/products/${String(thing.id)}`, "article h1"],
    ["/cart", "main li"],
    ["/checkout", "main li"],
    ["/orders", "main ul li"],
    [`/orders/${String(order.id)}`, "main ol li"],
    ["/admin/low-stock", "main nav a[aria-current]"],
    ["/admin/activity", "main ol li"],
    [`/admin?q=${thing.name}`, "tbody tr"],
    ["/nowhere", "main h1"],
  ];
  await page.goto("/");
  for (const [address, sign] of views) {
    await follow(page, address);
    await page.locator(sign).first().waitFor();
    await look(address);
    if (sign !== "tbody tr") continue;
    await page.locator("tbody tr button").first().click();
    await page.getByRole("dialog").locator("input").first().waitFor();
    await look("product editor");
    await page.keyboard.press("Escape");
  }
  await page.locator("header button[aria-haspopup=dialog]").click();
  await page.getByRole("dialog").locator("li").first().waitFor();
  await look("cart drawer");
}

/** Goes to another page of the storefront as a link in it does: no document is loaded. */
async function follow(page: Page, address: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, address);
}

/** Chooses as a visitor does in another tab: the page follows. */
async function choose(page: Page, what: "theme" | "language", value: string): Promise<void> {
  await page.evaluate(
    ([key, text]) => {
      localStorage.setItem(key, text);
      dispatchEvent(new StorageEvent("storage", { key }));
    },
    [`shophub.${what}`, JSON.stringify(value)] as const,
  );
  // A theme changes colours and nothing else; they are there once no transition runs.
  if (what === "language") await page.locator(`html[lang=${value}]`).waitFor({ state: "attached" });
  await atRest(page);
}

test(
  "with whatever is sold axe finds nothing in both themes, and nothing runs over a phone's edge",
  { timeout: 240_000 },
  async () => {
    const thing = await product(unwieldy());
    await product({ ...unwieldy(), stock: 0, image_url: null });
    const page = await visitor({ colorScheme: "light" });
    const desktop = page.viewportSize() ?? { width: 1280, height: 720 };
    await haveInCart(page, [thing, 1]);
    const found: string[] = [];
    const note = (name: string, each: string[]) => {
      found.push(...each.map((one) => `${name}: ${one}`));
    };
    await eachView(page, thing, async (name) => {
      note(name, await violations(page));
      await choose(page, "theme", "dark");
      note(`${name}, dark`, await violations(page, ["color-contrast"]));
      await page.setViewportSize(NARROWEST);
      await choose(page, "language", "de");
      note(`${name}, phone`, await tooWide(page));
      await page.setViewportSize(desktop);
      await choose(page, "theme", "light");
      await choose(page, "language", "en");
    });
    expect(found).toEqual([]);
  },
);

test("a phone finds and buys by touch, in German and at night", async () => {
  const thing = await product();
  const page = await visitor({ ...PHONE, locale: "de-DE", colorScheme: "dark" });
  await page.goto(`/?q=${thing.name}`);
  await page.getByRole("button", { name: `${thing.name} in den Warenkorb` }).tap();
  await page.getByRole("button", { name: "Warenkorb, 1 Stück" }).tap();
  await page.getByRole("dialog").getByRole("link", { name: "Zur Kasse" }).tap();
  await page.getByRole("button", { name: "Jetzt kaufen für 19,99 €" }).tap();
  await page.getByText(/Bestellung \d+ ist bestätigt/).waitFor();
});

test("the keyboard alone finds, puts in, and buys", async () => {
  const thing = await product();
  const page = await visitor();
  const focused = () =>
    page.evaluate(
      () =>
        document.activeElement?.getAttribute("aria-label") ??
        document.activeElement?.textContent ??
        "",
    );
  async function tabTo(wanted: RegExp) {
    for (let steps = 0; steps < 40; steps += 1) {
      if (wanted.test(await focused())) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`${String(wanted)} cannot be reached`);
  }

  await page.goto("/");
  await page.getByRole("article").first().waitFor();
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to the content");
  await tabTo(/Search the shop/);
  await page.keyboard.type(thing.name);
  await expect.poll(() => page.getByRole("article").count()).toBe(1);
  await tabTo(new RegExp(`^${thing.name}$`));
  const outline = await page.evaluate(() => {
    const shown = document.activeElement?.closest("article") ?? document.activeElement;
    return shown === null ? "none" : getComputedStyle(shown).outlineStyle;
  });
  expect(outline).toBe("solid");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: thing.name }).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("content");
  await tabTo(/Quantity of/);
  await page.keyboard.press("ArrowUp");
  await tabTo(/^Add to cart/);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Cart, 2 pieces" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(focused).toBe("Cart, 2 pieces");
  await page.keyboard.press("Enter");
  await tabTo(/^Go to checkout/);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^Buy now/ }).waitFor();
  await tabTo(/^Buy now/);
  await page.keyboard.press("Enter");
  await page.getByText(/Order \d+ is confirmed/).waitFor();
});

test("language and theme are chosen, kept, and there before the first paint", async () => {
  const page = await visitor({ colorScheme: "light", locale: "en-GB" });
  const thing = await product();
  await page.goto(`/products/${String(thing.id)}`);
  await page.getByText("€19.99").first().waitFor();
  await page.getByRole("combobox", { name: "Language" }).selectOption("de");
  await page.getByText("19,99 €").first().waitFor();
  await page.getByRole("combobox", { name: "Erscheinung" }).selectOption("dark");
  const paper = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await expect.poll(paper).toBe("rgb(14, 19, 17)");
  await page.reload({ waitUntil: "commit" });
  await page.locator("html[data-theme=dark]").waitFor({ state: "attached" });
  await page.getByText("19,99 €").first().waitFor();
  expect(await page.getAttribute("html", "lang")).toBe("de");
  await expect.poll(paper).toBe("rgb(14, 19, 17)");
});
