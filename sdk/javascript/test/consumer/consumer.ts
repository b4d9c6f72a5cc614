// What the packed package's types let through, and what they do not. Compiled, not run.
import express from "express";
import { Hono } from "hono";
import { DreamAPI, DreamAPIError, verifyWebhook, type CustomerView, type ErrorCode } from "dream-gateway";
import { dreamGateway as forExpress } from "dream-gateway/express";
import { dreamGateway as forHono, type DreamEnv } from "dream-gateway/hono";
import { withDreamGateway } from "dream-gateway/next";

const api = new DreamAPI({ baseUrl: "https://gateway.example.com", secretKey: "sk_test_x" });

export async function calls(): Promise<number | "unlimited"> {
  const { customer } = await api.customers.create({ email: "ada@example.com" });
  const plan: string = customer.plan;
  for await (const each of api.customers.list({ limit: 10 })) each satisfies CustomerView;
  const page = await api.customers.list();
  page.nextCursor satisfies string | null;
  await api.customers.update(customer.id, { plan }, { ifMatch: '"1"', signal: AbortSignal.timeout(1) });
  await api.usage.track({ userId: "u-1", cost: 2, idempotencyKey: "k" });
  const seen = await api.verify({ key: "ak_test_x", scopes: ["read"] });
  seen.customer?.externalId satisfies string | undefined;
  api.auth.getSignUpUrl({ redirect: "/" }) satisfies string;
  const message = await verifyWebhook<{ customerId: string }>("whsec_x", new Headers(), "{}");
  message.data.customerId satisfies string;
  return (await api.usage.check({ userId: "u-1" })).remaining;
}

export async function refused(): Promise<void> {
  // @ts-expect-error an e-mail address is needed
  await api.customers.create({ plan: "free" });
  // @ts-expect-error no such member
  await api.usage.track({ user: "u-1" });
  // @ts-expect-error no such interval
  await api.tiers.create({ name: "x", interval: "fortnight" });
  // @ts-expect-error an id is needed
  await api.keys.create();
  // @ts-expect-error baseUrl is needed
  new DreamAPI({ secretKey: "sk_test_x" });
}

export function told(error: unknown): ErrorCode | undefined {
  if (!(error instanceof DreamAPIError)) return undefined;
  error.retryAfter satisfies number | undefined;
  const known: ErrorCode = "quota_exceeded";
  return error.code === known ? known : undefined;
}

const app = express();
app.use(forExpress(api, { cost: (request) => request.path.length, scopes: ["read"] }));
app.get("/", (request, response) => response.json(request.dream?.userId));

const hono = new Hono<DreamEnv>();
hono.use("/api/*", forHono(api));
hono.get("/api/me", (context) => context.json(context.get("dream").userId));

export const GET = withDreamGateway(api, (request, context: { params: Promise<{ id: string }> }, caller) =>
  Response.json({ url: request.url, params: context.params, plan: caller.plan }),
);
