import { existsSync } from "node:fs";

import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// Without a display, and without the calls that a browser makes on its own account.
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where the storefront of the running shop is. */
export const STOREFRONT = process.env.STOREFRONT_URL ?? "http://localhost:3000";

/** Starts the Chromium of this machine, or the one that CHROMIUM names. */
export function launch(): Promise<Browser> {
  const program = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (program === undefined) {
    throw new Error(
      "There is no Chromium: on Debian, apt-get install chromium; or name it in CHROMIUM.",
    );
  }
  // Its sandbox refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: program,
    args: isRoot ? [...FLAGS, "--no-sandbox"] : FLAGS,
  });
}
