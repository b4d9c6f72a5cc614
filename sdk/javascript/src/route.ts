/** Who may call a route: which credential goes with it. */
export type Auth = "secret" | "publishable" | "user" | "platform" | "operator";

/** One method of the client. */
export interface Route {
  readonly method: string;
  /** With `{names}` for the method's arguments. */
  readonly path: string;
  /** Empty: anybody. */
  readonly auth: readonly Auth[];
  /** Members of the input that travel as header fields. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Why a POST may be sent twice: it has an `Idempotency-Key`, or keys inside. */
  readonly repeatable?: "key" | "always";
  /** Where the rest of the input goes. */
  readonly takes?: "body" | "query";
  /** The answer is a page of a list. */
  readonly pages?: boolean;
}
