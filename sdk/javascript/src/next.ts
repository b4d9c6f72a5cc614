import type { DreamAPI } from "./client.js";
import { checkGuard, decide, type Caller, type Fields, type GuardOptions } from "./guard.js";

export type { Caller, GuardOptions };

/** A route handler, which is told whose key the request came with. */
export type GuardedHandler<R extends Request, C> = (request: R, context: C, caller: Caller) => Response | Promise<Response>;

/**
 * Return a Next.js route handler (`app/.../route.ts`) that only customers' keys get to, and that
 * charges for them. It throws `TypeError` with each request unless `api` has a secret key. Works
 * wherever handlers take a `Request`.
 */
export function withDreamGateway<R extends Request = Request, C = unknown>(
  api: DreamAPI,
  handler: GuardedHandler<R, C>,
  options: GuardOptions<R> = {},
): (request: R, context: C) => Promise<Response> {
  return async (request, context) => {
    checkGuard(api); // not before: a build makes handlers, too, and has no secrets
    const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
    const decision = await decide(api, options, { request, path: new URL(request.url).pathname, header });
    if (decision.caller === undefined) {
      return new Response(decision.body, { status: decision.status, headers: decision.fields });
    }
    return withFields(await handler(request, context, decision.caller), decision.fields);
  };
}

/** Return the answer with more fields, and with the WebSocket it may have in Workers; one that was fetched cannot be changed. */
function withFields(response: Response, fields: Fields): Response {
  const answer = new Response(response.body, response);
  for (const [name, value] of Object.entries(fields)) answer.headers.set(name, value);
  return answer;
}
