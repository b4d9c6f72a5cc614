import type { DreamAPI } from "./client.js";
import { checkGuard, decide, type Caller, type GuardOptions } from "./guard.js";

export type { Caller, GuardOptions };

/** For `new Hono<DreamEnv>()`: `c.get("dream")` is whose key the request came with. */
export interface DreamEnv {
  Variables: { dream: Caller };
}

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: { readonly path: string; header(name: string): string | undefined };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  set(name: any, value: any): void;
  header(name: string, value: string): void;
}

/**
 * Return a Hono middleware that lets customers' keys pass and charges for them. Throws `TypeError`
 * unless `api` has a secret key. Hono does not know the caller's address: `ip` says where it is to be found.
 */
export function dreamGateway<C extends HonoContext = HonoContext>(api: DreamAPI, options: GuardOptions<C> = {}) {
  checkGuard(api);
  return async (context: C, next: () => Promise<void>): Promise<Response | undefined> => {
    const header = (name: string): string | undefined => context.req.header(name);
    const decision = await decide(api, options, { request: context, path: context.req.path, header });
    if (decision.caller === undefined) {
      return new Response(decision.body, { status: decision.status, headers: decision.fields });
    }
    context.set("dream", decision.caller);
    await next();
    for (const [name, value] of Object.entries(decision.fields)) context.header(name, value);
    return undefined;
  };
}
