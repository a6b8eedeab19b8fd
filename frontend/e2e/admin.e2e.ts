import { expect, test } from "vitest";

import { call, product, visitors, word } from "./shop";

const visitor = visitors();

test("a product is created, corrected, edited, restocked and deleted", async () => {
  const name = `Made ${word()}`;
  const page = await visitor();
  await page.goto("/admin");
  await page.getByRole("button", { name: "New product" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Price").fill("9.999");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("at most two decimals").waitFor();
  expect(await dialog.getByLabel("Name").getAttribute("aria-invalid")).toBe("true");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Price").fill("9,90");
  await dialog.getByLabel("Stock").fill("2");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });

  await page.getByPlaceholder("Search products").fill(name);
  const row = page.getByRole("row").filter({ hasText: name });
  await row.getByText("€9.90").waitFor();
  await row.getByRole("button", { name: `Edit ${name}` }).click();
  await dialog.getByLabel("Price").fill("12");
  await dialog.getByRole("button", { name: "Save" }).click();
  await row.getByText("€12.00").waitFor();
  await row.getByRole("button", { name: `Restock ${name}` }).click();
  await dialog.getByLabel("Pieces that arrived").fill("40");
  await dialog.getByRole("button", { name: "Restock" }).click();
  await row.getByText("42", { exact: true }).waitFor();
  await row.getByRole("button", { name: `Delete ${name}` }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await row.waitFor({ state: "detached" });
});

test("an edit that somebody else was faster with shows both, and saves only when told to", async () => {
  const thing = await product();
  const path = `/api/products/${String(thing.id)}`;
  const page = await visitor();
  await page.goto(`/admin?q=${encodeURIComponent(thing.name)}`);
  await page.getByRole("button", { name: `Edit ${thing.name}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Price").fill("25");
  await call("PUT", path, { name: thing.name, price: 30 });
  await dialog.getByRole("button", { name: "Save" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed it" });
  await conflict.getByRole("row", { name: "Price 30.00 25" }).waitFor();
  expect(await call("GET", path)).toMatchObject({ price: 30 });
  await dialog.getByRole("button", { name: "Save mine over it" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await call("GET", path)).toMatchObject({ price: 25 });
});

test("what is low is listed, what happens appears, and services show their state", async () => {
  const thing = await product({ stock: 12 });
  const page = await visitor();
  await page.goto("/admin/activity");
  await page.getByText("Live, newest first").waitFor();
  await call("POST", "/api/orders", { product_id: thing.id, quantity: 10 });
  const entry = page.getByRole("listitem").filter({ hasText: thing.name });
  await entry.filter({ hasText: "Order confirmed" }).waitFor();
  await entry.filter({ hasText: "Stock is low" }).waitFor();
  await page.getByRole("link", { name: "Low stock" }).click();
  await page.getByRole("row").filter({ hasText: thing.name }).waitFor();
  await page.getByRole("button", { name: "Ask every service" }).click();
  await page.getByText(/No service is down|Down:/).waitFor();
  expect(await page.getByText("create-order", { exact: false }).count()).toBeGreaterThan(0);
});
