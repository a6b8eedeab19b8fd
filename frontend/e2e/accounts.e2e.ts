import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import {
  ADMIN,
  call,
  haveInCart,
  PHONE,
  product,
  tooWide,
  violations,
  visitors,
  word,
} from "./shop";

const visitor = visitors();
const PASSWORD = "correct horse battery";

/**
 * A visitor of a shop that has accounts. Where the one that is driven lets guests do everything,
 * it says of itself that it does not: what is shown is the same, and signing in is real.
 */
async function customer(...options: Parameters<typeof visitor>): Promise<Page> {
  const page = await visitor(...options);
  const { auth } = (await call("GET", "/health")) as { auth?: string };
  if (auth !== "on") {
    await page.context().route("**/health", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...((await answer.json()) as object), auth: "on" } });
    });
  }
  return page;
}

async function register(page: Page, email = `${word()}@example.org`): Promise<string> {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  return email;
}

async function signIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a guest is asked who they are at the checkout, and comes back to it with the cart", async () => {
  const thing = await product();
  const page = await customer();
  await haveInCart(page, [thing, 2]);
  await page.goto("/cart");
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  expect(await page.getByRole("link", { name: "Orders" }).count()).toBe(0);
  await page.getByRole("link", { name: "Go to checkout" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByRole("link", { name: "Create an account" }).click();
  await register(page);
  await page.getByRole("button", { name: "Buy now for €39.98" }).click();
  await page.getByText(/Order \d+ is confirmed/).waitFor();
  await page.getByRole("link", { name: "Orders", exact: true }).waitFor();
  expect(await page.getByRole("link", { name: "Admin" }).count()).toBe(0);
  await page.goto("/admin");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
});

test("a session outlives a reload, is the same in each tab, and leaves nothing to a script", async () => {
  const page = await customer();
  await page.goto("/register?to=%2Faccount");
  const email = await register(page);
  await page.getByText(email).waitFor();
  const tab = await page.context().newPage();
  await Promise.all([page.reload(), tab.goto("/orders")]);
  await page.getByText(email).waitFor();
  await tab.getByRole("heading", { name: "Your orders" }).waitFor();

  const kept = await page.evaluate(() => document.cookie + JSON.stringify(localStorage));
  expect(kept).not.toMatch(/eyJ|shop_session/);
  const [cookie] = await page.context().cookies(`${page.url().split("/account")[0]!}/api/auth`);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/api/auth" });

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await tab.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(tab, email, "something else");
  await tab.getByText("The e-mail address or the password is wrong.").waitFor();
  await signIn(tab, email);
  await tab.getByRole("heading", { name: "Your orders" }).waitFor();
  await page.getByText(email).waitFor();
});

test("a session that ends under somebody's hands costs them nothing but a password", async () => {
  const thing = await product();
  const page = await customer();
  await haveInCart(page, [thing, 1]);
  await page.goto("/register?to=%2Fcheckout");
  const email = await register(page);
  const buy = page.getByRole("button", { name: "Buy now for €19.99" });
  await buy.waitFor();
  await page.context().clearCookies();
  let isOver = true;
  await page.route("**/api/orders", (route) =>
    isOver
      ? route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" })
      : route.continue(),
  );
  await buy.click();
  await page.getByText("Your cart is kept.").waitFor();
  isOver = false;
  await signIn(page, email);
  await buy.click();
  await page.getByText(/Order \d+ is confirmed/).waitFor();
});

test("an address that has an account is told so; axe finds nothing, and a phone has room", async () => {
  const page = await customer({ ...PHONE, colorScheme: "dark" });
  await page.goto("/register");
  const email = await register(page);
  await page.getByRole("link", { name: "Account" }).waitFor();
  const other = await customer({ colorScheme: "light" });
  await other.goto("/register");
  await register(other, email.toUpperCase());
  await other.getByText("There is an account with this e-mail address.").waitFor();
  expect(await violations(other)).toEqual([]);
  await other.getByRole("main").getByRole("link", { name: "Sign in" }).first().click();
  await other.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await violations(other)).toEqual([]);
  await page.getByRole("link", { name: "Account" }).click();
  await page.getByText(email).waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await tooWide(page)).toEqual([]);
});

test.runIf(ADMIN.email)("who runs the shop sees the admin page once they sign in", async () => {
  const page = await customer();
  await page.goto("/admin");
  await signIn(page, ADMIN.email!, ADMIN.password);
  await page.getByRole("button", { name: "New product" }).waitFor();
  await page.getByText("No service is down").waitFor();
});
