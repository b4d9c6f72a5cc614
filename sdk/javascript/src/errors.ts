import type { ErrorCode, FaultView } from "./generated.js";

/** Codes of failures that the gateway did not answer: `status` is 0. */
export type ClientCode = "connection_failed" | "timeout" | "missing_credential" | "unreadable_answer";

/** The members of a problem (RFC 9457) that the gateway may send. */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly requestId?: string;
  /** What is wrong with the input, by JSON pointer. */
  readonly errors?: readonly FaultView[];
  readonly [member: string]: unknown;
}

interface Facts {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly requestId?: string | undefined;
  readonly retryAfter?: number | undefined;
  readonly problem?: Problem | undefined;
  readonly cause?: unknown;
}

/** A call that failed. `code` is stable, `message` is for people. */
export class DreamAPIError extends Error {
  override readonly name = "DreamAPIError";
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  readonly code: ErrorCode | ClientCode | (string & {});
  /** Of the answer; the gateway's log has it too. */
  readonly requestId: string | undefined;
  /** Seconds until another attempt may succeed. */
  readonly retryAfter: number | undefined;
  /** The answer's body. */
  readonly problem: Problem;

  constructor(facts: Facts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId;
    this.retryAfter = facts.retryAfter;
    this.problem = facts.problem ?? {};
  }
}

/** Tell whether a call failed so; also where the package is loaded twice, as ESM and as CommonJS. */
export function isDreamAPIError(error: unknown): error is DreamAPIError {
  return error instanceof Error && error.name === "DreamAPIError";
}

/** Return the error that an answer stands for. */
export async function errorOf(response: Response, now: number): Promise<DreamAPIError> {
  const problem = await readProblem(response);
  return new DreamAPIError({
    status: response.status,
    code: typeof problem.code === "string" ? problem.code : `http_${response.status}`,
    message: problem.detail ?? problem.title ?? `The gateway answered ${response.status}.`,
    requestId: problem.requestId ?? response.headers.get("x-request-id") ?? undefined,
    retryAfter: secondsOf(response.headers.get("retry-after"), now),
    problem,
  });
}

/** Return the seconds of a `Retry-After` (RFC 9110 10.2.3), a number or a date; `now` in ms. */
export function secondsOf(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    const value: unknown = JSON.parse(await response.text());
    return typeof value === "object" && value !== null ? (value as Problem) : {};
  } catch {
    return {}; // a proxy's page, or a body that broke off: the status says enough
  }
}
