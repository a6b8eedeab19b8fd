import { screen, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import { renderAt, shopAnswers } from "@/testing/render";

import { FilterBar } from "./filter-bar";

test("the categories are one stop of the tab key, and the arrow keys go through them", async () => {
  shopAnswers({ "GET /api/categories": { body: [{ name: "Books" }, { name: "Tents" }] } });
  const change = vi.fn();
  const { user } = renderAt("/", <FilterBar filters={{ category: "Books" }} change={change} />);
  await screen.findByRole("button", { name: "Tents" });
  const bar = within(screen.getByRole("toolbar", { name: "Categories" }));

  await user.tab();
  expect(bar.getByRole("button", { name: "Books" })).toHaveFocus();
  await user.keyboard("{ArrowRight}");
  expect(bar.getByRole("button", { name: "Tents" })).toHaveFocus();
  await user.keyboard("{ArrowRight}");
  expect(bar.getByRole("button", { name: "Everything" })).toHaveFocus();
  await user.keyboard("{End}{Enter}");
  expect(change).toHaveBeenLastCalledWith({ category: "Tents" });
  await user.tab();
  expect(screen.getByRole("checkbox", { name: "In stock only" })).toHaveFocus();
});

test("a category that is gone by now leaves the way into the others", async () => {
  shopAnswers({ "GET /api/categories": { body: [{ name: "Books" }] } });
  const { user } = renderAt("/", <FilterBar filters={{ category: "Gone" }} change={vi.fn()} />);
  await screen.findByRole("button", { name: "Books" });
  await user.tab();
  expect(screen.getByRole("button", { name: "Everything" })).toHaveFocus();
});
