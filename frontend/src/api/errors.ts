import * as v from "valibot";

const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  errors: v.optional(v.array(v.object({ field: v.string(), message: v.string() })), []),
});

const Shortage = v.object({
  products: v.array(
    v.object({
      product_id: v.number(),
      name: v.string(),
      requested: v.number(),
      available: v.number(),
    }),
  ),
});

const Gone = v.object({ product_ids: v.array(v.number()) });

/** A line that cannot be had as asked for. */
export type Short = v.InferOutput<typeof Shortage>["products"][number];

/** The shop answered with a problem (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  /** The last part of the problem's type: "insufficient-stock". */
  readonly kind: string;
  readonly fields: readonly { field: string; message: string }[];
  /** Seconds after which the same may be asked again; null where nothing is said. */
  readonly retryAfter: number | null;
  readonly #document: unknown;

  constructor(status: number, document: unknown, retryAfter: number | null = null) {
    const parsed = v.safeParse(Problem, document);
    super(parsed.success ? parsed.output.detail : `The shop answered ${String(status)}`);
    this.status = status;
    this.retryAfter = retryAfter;
    this.kind = parsed.success ? (parsed.output.type.split("/").at(-1) ?? "") : "";
    this.fields = parsed.success ? parsed.output.errors : [];
    this.#document = document;
  }

  /** The products of which there is less than asked for; empty for any other problem. */
  get shortages(): readonly Short[] {
    const parsed = v.safeParse(Shortage, this.#document);
    return this.kind === "insufficient-stock" && parsed.success ? parsed.output.products : [];
  }

  /** The products that do not exist any more; empty for any other problem. */
  get missing(): readonly number[] {
    const parsed = v.safeParse(Gone, this.#document);
    return this.kind === "product-not-found" && parsed.success ? parsed.output.product_ids : [];
  }

  /** Whether the same request may work later, so that its outcome is not known yet. */
  get isTemporary(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** No answer came: no network, no server, or it took too long. What was asked may have happened. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor(cause: unknown) {
    super("The shop does not answer", { cause });
  }
}

/** Whether asking for the same once more is of use. */
export function isTemporary(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ProblemError && error.isTemporary);
}
