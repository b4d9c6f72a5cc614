import type { DreamAPI } from "./client.js";
import { checkGuard, decide, type Caller, type GuardOptions } from "./guard.js";

export type { Caller, GuardOptions };

/** What is used of Express's request. */
export interface ExpressRequest {
  readonly path: string;
  readonly baseUrl: string;
  readonly ip?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Set by the middleware. */
  dream?: Caller;
}

/** What is used of Express's response. */
export interface ExpressResponse {
  status(code: number): unknown;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Request {
      /** Whose key the request came with, behind `dreamGateway`. */
      dream?: Caller;
    }
  }
}

/**
 * Return an Express middleware that lets customers' keys pass and charges for them: `request.dream`
 * is whose key it is. `request.ip` heeds Express's `trust proxy`. Throws `TypeError` unless `api`
 * has a secret key.
 */
export function dreamGateway(api: DreamAPI, options: GuardOptions<ExpressRequest> = {}) {
  checkGuard(api);
  const all: GuardOptions<ExpressRequest> = { ip: (request) => request.ip, ...options };
  return (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void): void => {
    const header = (name: string): string | undefined => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const asking = { request, path: request.baseUrl + request.path, header };
    decide(api, all, asking).then((decision) => {
      for (const [name, value] of Object.entries(decision.fields)) response.setHeader(name, value);
      if (decision.caller !== undefined) {
        request.dream = decision.caller;
        next();
        return;
      }
      response.status(decision.status);
      response.end(decision.body);
    }).catch(next);
  };
}
