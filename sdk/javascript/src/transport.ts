import { DreamAPIError, errorOf } from "./errors.js";
import { delayAfter } from "./retry.js";

/** A request that is ready to be sent. */
export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
  /** Whether a second attempt can do no harm. */
  readonly repeatable: boolean;
  readonly timeout: number;
  readonly maxRetries: number;
  readonly signal: AbortSignal | undefined;
  /** Whether the browser sends the cookies it has of the gateway. */
  readonly cookies?: boolean;
}

/** An answer's value, and the fields that came with it. */
export interface Answered<T> {
  readonly value: T;
  readonly status: number;
  readonly headers: Headers;
}

/** Send a request, again if that is safe and may help. Throws `DreamAPIError`, or the signal's reason. */
export async function send<T>(fetcher: typeof fetch, request: Outgoing): Promise<Answered<T>> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await sendOnce<T>(fetcher, request);
    } catch (error) {
      if (!(error instanceof DreamAPIError)) throw error;
      const isLast = !request.repeatable || attempt >= request.maxRetries;
      const delay = isLast ? undefined : delayAfter(error, attempt, Math.random());
      if (delay === undefined) throw error;
      await pause(delay, request.signal);
    }
  }
}

async function sendOnce<T>(fetcher: typeof fetch, request: Outgoing): Promise<Answered<T>> {
  const { signal } = request;
  signal?.throwIfAborted();
  // AbortSignal.any and timeout together are not everywhere yet.
  const ending = new AbortController();
  const expired = new DreamAPIError({
    status: 0,
    code: "timeout",
    message: `The gateway did not answer within ${request.timeout} ms.`,
  });
  const timer = setTimeout(() => ending.abort(expired), request.timeout);
  const stop = (): void => ending.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const { method, url, headers } = request;
    const body = request.body === undefined ? {} : { body: request.body };
    const response = await fetcher(url, {
      method,
      headers,
      ...body,
      ...(request.cookies ? { credentials: "include" as const } : {}),
      redirect: "manual", // credentials go nowhere else
      signal: ending.signal,
    });
    if (!response.ok) throw await errorOf(response, Date.now());
    return { value: await read<T>(response), status: response.status, headers: response.headers };
  } catch (error) {
    if (ending.signal.aborted) throw ending.signal.reason;
    throw error instanceof DreamAPIError ? error : unreachable(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  if (response.status === 204) return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new DreamAPIError({
      status: 0,
      code: "unreadable_answer",
      message: "The answer is not JSON: is baseUrl the gateway's service?",
      cause,
    });
  }
}

function unreachable(cause: unknown): DreamAPIError {
  const message = "The gateway cannot be reached.";
  return new DreamAPIError({ status: 0, code: "connection_failed", message, cause });
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
