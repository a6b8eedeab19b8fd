/** The address of the page where somebody signs in, to go on at `to`. */
export function signInFor(to: string): string {
  return to === "/" ? "/sign-in" : `/sign-in?${new URLSearchParams({ to }).toString()}`;
}

/** Where to go on after that: a page of this shop, whatever the address says. */
export function targetOf(params: URLSearchParams): string {
  const to = params.get("to") ?? "/";
  return /^\/(?![/\\])/.test(to) ? to : "/";
}
