import * as v from "valibot";
import { expect, test, vi } from "vitest";

import { stored } from "./stored";

const numbers = (name: string) =>
  stored<readonly number[]>(name, [], (raw) => v.parse(v.array(v.number()), raw));

test("a value is there again after a reload", () => {
  numbers("a").set([1, 2]);
  expect(numbers("a").get()).toEqual([1, 2]);
});

test("what cannot be read starts anew", () => {
  localStorage.setItem("shophub.b", '["x"]');
  expect(numbers("b").get()).toEqual([]);
  localStorage.setItem("shophub.b", "{");
  expect(numbers("b").get()).toEqual([]);
});

test("a change starts from what another tab has written meanwhile", () => {
  const here = numbers("c");
  here.set([1]);
  localStorage.setItem("shophub.c", "[1,2]");
  here.set((current) => [...current, 3]);
  expect(here.get()).toEqual([1, 2, 3]);
});

test("whoever follows hears of other tabs, and only of this value", () => {
  const store = numbers("d");
  const listener = vi.fn();
  const end = store.subscribe(listener);
  dispatchEvent(new StorageEvent("storage", { key: "shophub.other" }));
  expect(listener).not.toHaveBeenCalled();
  dispatchEvent(new StorageEvent("storage", { key: "shophub.d" }));
  expect(listener).toHaveBeenCalledOnce();
  end();
  store.set([9]);
  expect(listener).toHaveBeenCalledOnce();
});

test("without storage a value lives as long as the page", () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  vi.spyOn(Storage.prototype, "getItem").mockImplementation(() => {
    throw new DOMException("closed", "SecurityError");
  });
  const store = numbers("e");
  store.set([4]);
  expect(store.get()).toEqual([4]);
});
