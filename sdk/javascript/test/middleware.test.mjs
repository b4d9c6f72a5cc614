// Express, Hono and Next.js route handlers before a live gateway: they answer as its edge does.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import { DreamAPI } from "dream-gateway";
import { dreamGateway as forExpress } from "dream-gateway/express";
import { dreamGateway as forHono } from "dream-gateway/hono";
import { withDreamGateway } from "dream-gateway/next";
import { listen, startGateway } from "./gateway.mjs";

const options = { scopes: ["read"] };
const frameworks = {
  express(api) {
    const app = express();
    app.use("/api", forExpress(api, options));
    app.get("/api/hello", (request, response) => response.json(request.dream));
    app.use((error, request, response, next) => response.status(500).json({ failed: error.code }));
    return createServer(app);
  },
  hono(api) {
    const app = new Hono();
    app.use("/api/*", forHono(api, options));
    app.get("/api/hello", (context) => context.json(context.get("dream")));
    app.onError((error, context) => context.json({ failed: error.code }, 500));
    return createAdaptorServer({ fetch: app.fetch });
  },
  next(api) {
    const handle = withDreamGateway(api, (request, context, caller) => Response.json(caller), options);
    const answer = async (request) => {
      try {
        return await handle(request, { params: Promise.resolve({}) });
      } catch (error) {
        return Response.json({ failed: error.code }, { status: 500 });
      }
    };
    return createAdaptorServer({ fetch: answer });
  },
};

let gateway, api;

before(async () => {
  gateway = await startGateway();
  api = new DreamAPI({ baseUrl: gateway.service, secretKey: gateway.secretKey });
});
after(() => gateway?.stop());

async function keyFor(userId, values = {}, plan = "free") {
  const { customer } = await api.customers.create({ email: `${userId}@example.com`, externalId: userId, plan });
  return (await api.keys.create(customer.id, { scopes: ["read"], ...values })).key;
}

const FIELDS = ["content-type", "cache-control", "www-authenticate", "ratelimit-policy", "ratelimit", "retry-after"];

/** Return what is told of a refusal, but for which request it was, and seconds that pass. */
async function told(url, headers) {
  const answer = await fetch(url, { headers });
  const { requestId, ...problem } = await answer.json();
  assert.equal(requestId, answer.headers.get("x-request-id") ?? undefined);
  const shown = FIELDS.map((name) => answer.headers.get(name)?.replace(/t=\d+|^\d+$/, "t"));
  return { status: answer.status, problem, shown };
}

for (const [name, serve] of Object.entries(frameworks)) {
  test(`${name}: a customer's key passes, is charged, and the answer tells the limits`, async (context) => {
    const app = await listen(serve(api));
    context.after(() => app.stop());
    const key = await keyFor(`${name}-1`);
    const answer = await fetch(`${app.url}/api/hello`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(answer.status, 200);
    const { userId, plan, scopes, usage } = await answer.json();
    assert.deepEqual([userId, plan, scopes, usage.usageCount], [`${name}-1`, "free", ["read"], 1]);
    assert.match(answer.headers.get("ratelimit"), /;r=4;/);
    assert.match(answer.headers.get("ratelimit-policy"), /;q=5;/);
    assert.equal((await api.usage.check({ userId: `${name}-1` })).usageCount, 1);
  });

  test(`${name}: refusals are those of the edge`, async (context) => {
    const app = await listen(serve(api));
    context.after(() => app.stop());
    const refusals = {
      missing_credential: {},
      invalid_credential: { "x-api-key": "ak_test_nonsense" },
      two_keys: { "x-api-key": "ak_test_a", authorization: "Bearer ak_test_b" },
      quota_exceeded: { authorization: `Bearer ${await keyFor(`${name}-2`)}` },
      rate_limited: { "x-api-key": await keyFor(`${name}-3`, {}, "slow"), authorization: "Basic eDp5" },
    };
    for (let used = 0; used < 5; used += 1) {
      const passed = await fetch(`${app.url}/api/hello`, { headers: refusals.quota_exceeded });
      assert.equal(passed.status, 200);
    }
    assert.equal((await fetch(`${app.url}/api/hello`, { headers: refusals.rate_limited })).status, 200);
    for (const [code, headers] of Object.entries(refusals)) {
      const here = await told(`${app.url}/api/hello`, headers);
      assert.deepEqual(here, await told(`${gateway.edge}/api/hello`, headers), code);
      assert.equal(here.problem.code, code === "two_keys" ? "invalid_credential" : code);
    }
    const unscoped = await keyFor(`${name}-4`, { scopes: [] });
    const { status, problem } = await told(`${app.url}/api/hello`, { "x-api-key": unscoped });
    assert.deepEqual([status, problem.code], [403, "insufficient_scope"]);
    assert.equal((await api.usage.check({ userId: `${name}-4` })).usageCount, 0);
  });

  test(`${name}: a gateway that is away is a 503, and a wrong secret key is the developer's`, async (context) => {
    const away = await listen(serve(new DreamAPI({ baseUrl: "http://127.0.0.1:1", secretKey: gateway.secretKey })));
    context.after(() => away.stop());
    const headers = { "x-api-key": "ak_test_something" };
    const answer = await fetch(`${away.url}/api/hello`, { headers });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "1");
    assert.equal((await answer.json()).code, "store_unavailable");
    const wrong = await listen(serve(new DreamAPI({ baseUrl: gateway.service, secretKey: "sk_test_wrong" })));
    context.after(() => wrong.stop());
    const failed = await fetch(`${wrong.url}/api/hello`, { headers });
    assert.deepEqual([failed.status, await failed.json()], [500, { failed: "invalid_credential" }]);
  });
}

test("a middleware whose client has no secret key is not made", () => {
  const without = [{}, { secretKey: undefined }, { publishableKey: gateway.publishableKey }];
  for (const keys of without) {
    const client = new DreamAPI({ baseUrl: gateway.service, ...keys });
    for (const make of [forExpress, forHono]) {
      assert.throws(() => make(client), { name: "TypeError", message: /needs a client with a secretKey/ });
    }
  }
});

test("next: a build makes handlers without secrets, and requests to them fail", async () => {
  const handle = withDreamGateway(new DreamAPI({ baseUrl: gateway.service }), () => assert.fail("let in"));
  const request = new Request("http://shop.example.com/api", { headers: { "x-api-key": "ak_test_something" } });
  await assert.rejects(handle(request, undefined), { name: "TypeError", message: /needs a client with a secretKey/ });
});

test("express: keys bound to addresses, and a cost for each request", async (context) => {
  const app = express();
  app.use(forExpress(api, { cost: (request) => request.path.length }));
  app.get("/abc", (request, response) => response.end());
  const server = await listen(createServer(app));
  context.after(() => server.stop());
  const near = await keyFor("address-1", { allowedIps: ["127.0.0.1"] });
  const far = await keyFor("address-2", { allowedIps: ["192.0.2.1"] });
  assert.equal((await fetch(`${server.url}/abc`, { headers: { "x-api-key": near } })).status, 200);
  assert.equal((await api.usage.check({ userId: "address-1" })).usageCount, 4);
  const refused = await fetch(`${server.url}/abc`, { headers: { "x-api-key": far } });
  assert.deepEqual([refused.status, (await refused.json()).code], [403, "ip_denied"]);
});

test("a key in the path is not told back", async (context) => {
  const server = await listen(frameworks.express(api));
  context.after(() => server.stop());
  const answer = await fetch(`${server.url}/api/ak_test_0123456789abcdef`);
  assert.equal((await answer.json()).instance, "/api/ak_***");
});
