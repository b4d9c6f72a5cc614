import { DreamAPIError } from "./errors.js";
import type { Route } from "./route.js";

const FIRST_DELAY = 250;
const LONGEST_DELAY = 8_000;
/** Seconds: whoever is told to wait longer is told so, and does not wait here. */
const LONGEST_WAIT = 20;

const PASSING = new Set([0, 408, 425, 429, 500, 502, 503, 504]);
const SAFE = new Set(["GET", "HEAD", "PUT", "DELETE"]);
/** A refusal of the customer's limit is the answer to the call, and not a failure of it. */
const FINAL = new Set(["quota_exceeded", "rate_limited", "missing_credential", "unreadable_answer"]);

/** Tell whether a second attempt can do no harm. */
export function isRepeatable(route: Route, key: string | undefined): boolean {
  return SAFE.has(route.method) || route.repeatable === "always" || key !== undefined;
}

/**
 * Return the milliseconds until the next attempt, `undefined` if none makes sense.
 * `attempt` counts from 0; `chance` is from 0 to 1.
 */
export function delayAfter(error: DreamAPIError, attempt: number, chance: number): number | undefined {
  const isUnderWay = error.status === 409 && error.retryAfter !== undefined; // the attempt before
  if (!isUnderWay && (!PASSING.has(error.status) || FINAL.has(error.code))) return undefined;
  const backoff = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt) * (0.5 + chance / 2);
  if (error.retryAfter === undefined) return backoff;
  if (error.retryAfter > LONGEST_WAIT) return undefined;
  return Math.max(backoff, error.retryAfter * 1000);
}
