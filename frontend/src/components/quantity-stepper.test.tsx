import { screen } from "@testing-library/react";
import { useState } from "react";
import { expect, test } from "vitest";

import { renderAt } from "@/testing/render";

import { QuantityStepper } from "./quantity-stepper";

function Stepper() {
  const [value, setValue] = useState(2);
  return <QuantityStepper name="Laptop" value={value} most={4} onChange={setValue} />;
}

test("it goes from one to what there is, by button, key and typing", async () => {
  const { user } = renderAt("/", <Stepper />);
  const number = screen.getByRole("spinbutton", { name: "Quantity of Laptop" });
  const more = screen.getByRole("button", { name: "One Laptop more" });
  await user.click(more);
  await user.click(more);
  expect(number).toHaveValue("4");
  expect(more).toBeDisabled();
  await user.type(number, "{ArrowDown}{ArrowDown}");
  expect(number).toHaveValue("2");
  await user.clear(number);
  await user.type(number, "99{Enter}");
  expect(number).toHaveValue("4");
  await user.clear(number);
  await user.tab();
  expect(number).toHaveValue("4");
  await user.clear(number);
  await user.type(number, "0");
  await user.tab();
  expect(number).toHaveValue("1");
  expect(screen.getByRole("button", { name: "One Laptop less" })).toBeDisabled();
});
