import { expect, test } from "vitest";

import { call, haveInCart, ordersOf, product, putIntoCart, visitors } from "./shop";

const visitor = visitors();

test("somebody searches while typing, filters, sorts, and shares the address", async () => {
  const category = `Shelf ${String(Date.now())}`;
  const dear = await product({ category, price: 90 });
  const cheap = await product({ category, price: 10 });
  const none = await product({ category, price: 5, stock: 0 });
  const page = await visitor();
  await page.goto("/");
  await page.getByRole("searchbox").pressSequentially(dear.name.toLowerCase(), { delay: 15 });
  await page.getByRole("heading", { level: 1, name: /results/i }).waitFor();
  await expect.poll(() => page.getByRole("article").count()).toBe(1);
  const searched = () => new URL(page.url()).searchParams.get("q");
  await expect.poll(searched).toBe(dear.name.toLowerCase());

  await page.getByRole("button", { name: "Clear the search" }).click();
  await page.getByRole("button", { name: category }).click();
  await expect.poll(() => page.getByRole("article").count()).toBe(3);
  await page.getByRole("article").filter({ hasText: none.name }).getByText("Sold out").waitFor();
  await page.getByText("In stock only").click();
  await page.getByRole("combobox", { name: "Sort by" }).selectOption("price");
  await expect
    .poll(() => page.getByRole("article").getByRole("link").allInnerTexts())
    .toEqual([cheap.name, dear.name]);

  const other = await visitor();
  await other.goto(page.url());
  await expect
    .poll(() => other.getByRole("article").getByRole("link").allInnerTexts())
    .toEqual([cheap.name, dear.name]);
  await page.goBack();
  await expect.poll(() => page.url()).not.toContain("sort=");
});

test("the next page comes while scrolling, and going back leads to where one was", async () => {
  const category = `Row ${String(Date.now())}`;
  await Promise.all(Array.from({ length: 30 }, () => product({ category })));
  const page = await visitor();
  await page.goto(`/?category=${encodeURIComponent(category)}`);
  await expect.poll(() => page.getByRole("article").count()).toBeGreaterThanOrEqual(24);
  await page.evaluate(() => {
    scrollTo(0, document.body.scrollHeight);
  });
  await expect.poll(() => page.getByRole("article").count()).toBe(30);
  await page.getByText("That is all there is.").scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => scrollY);
  await page.getByRole("article").last().getByRole("link").click();
  await page.getByRole("button", { name: "Add to cart", exact: true }).waitFor();
  expect(await page.evaluate(() => scrollY)).toBe(0);
  await page.goBack();
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(before * 0.9);
});

test("nothing found and no such page have a way out", async () => {
  const page = await visitor();
  await page.goto("/?q=qqqqzzzz");
  await page.getByRole("button", { name: "Clear all filters" }).click();
  await page.getByRole("article").first().waitFor();
  await page.goto("/no/such/page");
  await page.getByRole("link", { name: "Back to the shop" }).click();
  await page.getByRole("article").first().waitFor();
  await page.goto("/products/999999999");
  await page.getByRole("heading", { name: "no longer sold" }).waitFor();
});

test("from the shelf to a confirmed order with two lines, and its cancellation", async () => {
  const one = await product({ price: 19.99, stock: 8 });
  const other = await product({ price: 0.35 });
  const page = await visitor();
  await putIntoCart(page, one, 3);
  await putIntoCart(page, other);
  await page.reload();
  await page.getByRole("button", { name: "Cart, 4 pieces" }).click();
  const drawer = page.getByRole("dialog", { name: "Your cart" });
  await drawer.getByText("€60.32").waitFor();
  await drawer.getByRole("link", { name: "Go to checkout" }).click();
  await page.getByRole("button", { name: "Buy now for €60.32" }).click();
  await page.getByText(/Order \d+ is confirmed/).waitFor();
  await page.getByRole("button", { name: "Cart, empty" }).waitFor();
  expect(await call("GET", `/api/products/${String(one.id)}`)).toMatchObject({ stock: 5 });

  await page.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel order" }).click();
  await page.getByText("Cancelled by you").waitFor();
  await page.getByText("Pieces put back").waitFor();
  expect(await call("GET", `/api/products/${String(one.id)}`)).toMatchObject({ stock: 8 });
  await page.goto("/orders?status=cancelled");
  await page.getByRole("link", { name: new RegExp(one.name) }).waitFor();
});

test("the cart is the same in each tab, and bounded by what there is", async () => {
  const thing = await product({ stock: 3 });
  const page = await visitor();
  await putIntoCart(page, thing, 99);
  const tab = await page.context().newPage();
  await tab.goto("/cart");
  expect(await tab.getByRole("spinbutton").inputValue()).toBe("3");
  expect(await tab.getByRole("button", { name: /more$/ }).isDisabled()).toBe(true);
  await tab.getByRole("button", { name: /less$/ }).click();
  await page.getByRole("button", { name: "Cart, 2 pieces" }).waitFor();
  await tab.getByRole("button", { name: /^Remove/ }).click();
  await page.getByRole("button", { name: "Cart, empty" }).waitFor();
  await tab.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Cart, 2 pieces" }).waitFor();
});

test("of two browsers that race for the last piece one gets it, the other a way on", async () => {
  const last = await product({ stock: 1 });
  const rest = await product();
  const pages = await Promise.all([visitor(), visitor()]);
  for (const page of pages) {
    await haveInCart(page, [last, 1], [rest, 1]);
    await page.goto("/checkout");
    await page.getByRole("button", { name: /^Buy now/ }).waitFor();
    // From here on neither hears of the other by anything but the answer to its order.
    await page.route("**/api/products/*", (route) => route.abort());
  }
  await Promise.all(pages.map((page) => page.getByRole("button", { name: /^Buy now/ }).click()));
  const won = pages.map((page) =>
    page
      .getByText(/Order \d+ is confirmed/)
      .waitFor()
      .then(() => page),
  );
  const winner = await Promise.any(won);
  const loser = pages.find((page) => page !== winner)!;

  await loser.getByText(`${last.name}: you want 1, it is sold out`).waitFor();
  await loser.getByRole("button", { name: "Adjust and continue" }).click();
  await loser.getByRole("button", { name: "Buy now for €19.99" }).click();
  await loser.getByText(/Order \d+ is confirmed/).waitFor();
  await Promise.allSettled(won);
  expect((await ordersOf(last.id)).sort()).toEqual(["confirmed", "rejected"]);
  expect(await call("GET", `/api/products/${String(last.id)}`)).toMatchObject({ stock: 0 });
});

test("an answer that is lost leads to one order, also after a reload", async () => {
  const thing = await product({ stock: 9 });
  const page = await visitor();
  await haveInCart(page, [thing, 1]);
  await page.goto("/checkout");
  const keys: string[] = [];
  let isDown = true;
  await page.route("**/api/orders", async (route) => {
    keys.push(route.request().headers()["idempotency-key"] ?? "");
    // The shop does what it is asked, but its answer never arrives.
    if (!isDown) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await page.getByRole("button", { name: /^Buy now/ }).dblclick();
  await page.getByText("We did not hear back").waitFor();
  await page.reload();
  await page.getByText("We did not hear back").waitFor();
  isDown = false;
  await page.getByRole("button", { name: /^Buy now/ }).click();
  await page.getByText(/Order \d+ is confirmed/).waitFor();
  expect(new Set(keys).size).toBe(1);
  expect(keys.length).toBeGreaterThan(1);
  expect(await ordersOf(thing.id)).toEqual(["confirmed"]);
  expect(await call("GET", `/api/products/${String(thing.id)}`)).toMatchObject({ stock: 8 });
});

test("a product page follows the stock, and knows what is related", async () => {
  const category = `Kin ${String(Date.now())}`;
  const thing = await product({ category, stock: 4 });
  const kin = await product({ category });
  const page = await visitor();
  await page.goto(`/products/${String(thing.id)}`);
  await page.getByText("Only 4 left").waitFor();
  await page.getByRole("heading", { name: "More like this" }).waitFor();
  await page.getByRole("article").filter({ hasText: kin.name }).first().waitFor();
  await call("POST", "/api/orders", { product_id: thing.id, quantity: 4 });
  await page.getByRole("button", { name: "Sold out" }).waitFor();
});

test("offline the cart goes on; back online so does the shop", async () => {
  const thing = await product();
  const page = await visitor();
  await haveInCart(page, [thing, 1]);
  await page.goto("/checkout");
  await page.getByRole("button", { name: /^Buy now/ }).waitFor();
  await page.context().setOffline(true);
  await page.getByText("You are offline. Your cart is kept").waitFor();
  expect(await page.getByRole("button", { name: /^Buy now/ }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: /more$/ }).click();
  await page.getByRole("button", { name: "Buy now for €39.98" }).waitFor();
  await page.context().setOffline(false);
  await page.getByText("You are back online.").waitFor();
  await page.getByRole("button", { name: "Buy now for €39.98" }).click();
  await page.getByText(/Order \d+ is confirmed/).waitFor();
});

test("an error of the shop is told, and can be tried again", async () => {
  const page = await visitor();
  let isDown = true;
  await page.route("**/api/products?**", (route) =>
    isDown
      ? route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" })
      : route.continue(),
  );
  await page.goto("/");
  await page.getByRole("alert").getByText("The shop is busy").waitFor();
  isDown = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("article").first().waitFor();
});
