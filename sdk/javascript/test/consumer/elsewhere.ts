// What the types have to let through where there is neither Node nor a page: Workers, Deno. Compiled, not run.
import { Hono } from "hono";
import { DreamAPI, verifyWebhook } from "dream-gateway";
import { dreamGateway, type DreamEnv } from "dream-gateway/hono";
import { withDreamGateway } from "dream-gateway/next";

interface Bindings {
  baseUrl: string;
  secretKey: string;
}

export const hono: unknown = new Hono<DreamEnv & { Bindings: Bindings }>()
  .use((context, next) => dreamGateway(new DreamAPI(context.env))(context, next))
  .get("/", (context) => context.json(context.get("dream").userId));

export default {
  async fetch(request: Request, env: Bindings, context: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
    const api = new DreamAPI({ ...env, fetch });
    if (request.method === "POST") {
      const { type } = await verifyWebhook("whsec_x", request.headers, await request.text());
      return Response.json({ type });
    }
    context.waitUntil(api.usage.track({ userId: "u-1" }, { signal: AbortSignal.timeout(1) }));
    const { headers } = await api.call("tiers.list");
    headers.get("etag") satisfies string | null;
    return withDreamGateway(api, (_, __, caller) => Response.json(caller.usage?.remaining))(request, context);
  },
};
