// An API that only customers' keys get to, on Workers, Bun or Deno: npm install dream-gateway hono.
import { Hono } from "hono";
import { env } from "hono/adapter";
import { DreamAPI } from "dream-gateway";
import { dreamGateway } from "dream-gateway/hono";

const clientOf = ({ GATEWAY_URL: baseUrl, GATEWAY_SECRET_KEY: secretKey }) => new DreamAPI({ baseUrl, secretKey });
const app = new Hono().use((context, next) => dreamGateway(clientOf(env(context)))(context, next));
app.get("/", (context) => context.json({ hello: context.get("dream").userId }));
export default app;
