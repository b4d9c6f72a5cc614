// What goes wrong between the client and a live gateway, and what the client makes of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { DreamAPI } from "dream-gateway";
import { delayAfter } from "../dist/esm/retry.js";
import { DreamAPIError, secondsOf } from "../dist/esm/errors.js";
import { bodyOf, listen, startGateway } from "./gateway.mjs";

let gateway, front, faults, seen;

// A front before the gateway, which passes requests on, and does what is next in `faults` with the answer.
before(async () => {
  gateway = await startGateway();
  front = await listen(async (request, response) => {
    const { host, connection, ...headers } = request.headers;
    const body = await bodyOf(request);
    seen.push(headers["idempotency-key"]);
    const fault = faults.shift();
    if (fault === "hang") return;
    if (typeof fault === "object") {
      response.writeHead(fault.status, fault.headers).end("busy");
      return;
    }
    const answer = await fetch(gateway.service + request.url, {
      method: request.method,
      headers,
      ...(body.length > 0 ? { body } : {}),
    });
    const text = await answer.text();
    if (fault === "drop") request.socket.destroy();
    else response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  });
});
after(async () => {
  await front?.stop();
  await gateway?.stop();
});

function client(options = {}) {
  seen = [];
  return new DreamAPI({ baseUrl: front.url, secretKey: gateway.secretKey, ...options });
}

const counted = async (userId) => {
  const direct = new DreamAPI({ baseUrl: gateway.service, secretKey: gateway.secretKey });
  return (await direct.usage.check({ userId })).usageCount;
};

test("a charge whose answer is lost is made once", async () => {
  faults = ["drop", "drop"];
  const { duplicate, usage } = await client().usage.track({ userId: "r-1" });
  assert.deepEqual([duplicate, usage.usageCount], [true, 1]);
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen).size, 1);
  assert.match(seen[0], /^dg-[0-9a-f]{32}$/);
});

test("a customer whose creation's answer is lost is there once", async () => {
  faults = ["drop"];
  const { customer } = await client().customers.create({ email: "ada@example.com", externalId: "r-2" });
  assert.equal(customer.externalId, "r-2");
  assert.equal(seen.length, 2);
});

test("what may not be repeated is not", async () => {
  faults = ["drop"];
  const charge = client().usage.track({ userId: "r-3" }, { idempotencyKey: null });
  await assert.rejects(charge, { code: "connection_failed", status: 0 });
  assert.deepEqual([seen.length, await counted("r-3")], [1, 1]);
});

test("reading is repeated, as often as allowed", async () => {
  faults = ["drop", "drop", "drop"];
  await client().tiers.list({ maxRetries: 3 });
  assert.equal(seen.length, 4);
  faults = ["drop"];
  await assert.rejects(client({ maxRetries: 0 }).tiers.list(), { code: "connection_failed" });
});

test("Retry-After is waited for, and not if it is long", async () => {
  faults = [{ status: 503, headers: { "retry-after": "1" } }];
  const begun = performance.now();
  await client().tiers.list();
  assert.ok(performance.now() - begun >= 990);
  faults = [{ status: 503, headers: { "retry-after": "3600" } }];
  await assert.rejects(client().tiers.list(), { code: "http_503", status: 503, retryAfter: 3600 });
  assert.equal(seen.length, 1);
});

test("an attempt that takes too long is given up", async () => {
  faults = ["hang", "hang"];
  await assert.rejects(client({ timeout: 2000, maxRetries: 1 }).tiers.list(), { code: "timeout", status: 0 });
  assert.equal(seen.length, 2);
  faults = ["hang"];
  await client({ timeout: 2000, maxRetries: 9 }).tiers.list();
});

test("a signal ends a call at once, and a wait", async () => {
  faults = ["hang"];
  const ending = new AbortController();
  const call = client().tiers.list({ signal: ending.signal });
  while (seen.length === 0) await setTimeout(5); // Else the front may take the next fault for this one.
  ending.abort(new Error("enough"));
  await assert.rejects(call, { message: "enough" });
  faults = [{ status: 503, headers: { "retry-after": "15" } }];
  await assert.rejects(client().tiers.list({ signal: AbortSignal.timeout(2000) }), { name: "TimeoutError" });
  await assert.rejects(client().tiers.list({ signal: AbortSignal.abort(new Error("before")) }), { message: "before" });
  assert.equal(seen.length, 0);
});

test("a redirect is not followed with a key", async () => {
  faults = [{ status: 307, headers: { location: gateway.service + "/api/tiers" } }];
  await assert.rejects(client().tiers.list(), { status: 307 });
});

test("an answer that is no JSON is said to be none", async () => {
  faults = [{ status: 200, headers: {} }];
  await assert.rejects(client().tiers.list(), { code: "unreadable_answer" });
});

test("nobody there", async () => {
  const nobody = new DreamAPI({ baseUrl: "http://127.0.0.1:1", maxRetries: 0 });
  await assert.rejects(nobody.status.health(), (error) => error.code === "connection_failed" && error.cause !== undefined);
});

test("waits double, jitter, and end where waiting is no use", () => {
  const error = (status, code, retryAfter) => new DreamAPIError({ status, code, message: "", retryAfter });
  const away = error(503, "store_unavailable");
  assert.deepEqual([0, 1, 2, 9].map((attempt) => delayAfter(away, attempt, 1)), [250, 500, 1000, 8000]);
  assert.equal(delayAfter(away, 1, 0), 250);
  assert.equal(delayAfter(error(503, "overloaded", 2), 0, 0), 2000);
  assert.equal(delayAfter(error(409, "conflict", 1), 0, 0), 1000);
  assert.equal(delayAfter(error(409, "conflict"), 0, 0), undefined);
  for (const final of [error(429, "quota_exceeded"), error(429, "rate_limited", 1), error(404, "not_found")]) {
    assert.equal(delayAfter(final, 0, 0), undefined);
  }
  assert.deepEqual(["3", "soon", null].map((each) => secondsOf(each, 0)), [3, undefined, undefined]);
  assert.equal(secondsOf("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6);
});

test("a secret key is refused where there is a document", () => {
  const options = { baseUrl: front.url, secretKey: gateway.secretKey };
  globalThis.document = {};
  try {
    assert.throws(() => new DreamAPI(options), /browser/);
    assert.throws(() => new DreamAPI({ baseUrl: front.url, token: gateway.secretKey }), /browser/);
    const page = new DreamAPI({ baseUrl: front.url, publishableKey: gateway.publishableKey, token: "a.b.c" });
    assert.throws(() => page.setUserToken(gateway.secretKey), /browser/);
    new DreamAPI({ ...options, dangerouslyAllowBrowser: true });
    page.setUserToken("a.b.c");
  } finally {
    delete globalThis.document;
  }
});

test("a key is not taken for one of another kind", () => {
  for (const publishableKey of [gateway.secretKey, "ak_test_x", "x", ""]) {
    assert.throws(() => new DreamAPI({ baseUrl: front.url, publishableKey }), /publishableKey begins with pk_/);
  }
  for (const secretKey of [gateway.publishableKey, "ak_test_x", "x", ""]) {
    assert.throws(() => new DreamAPI({ baseUrl: front.url, secretKey }), /secretKey begins with sk_/);
  }
  new DreamAPI({ baseUrl: front.url, publishableKey: undefined, secretKey: undefined });
});

test("the sign-in pages' URLs", () => {
  const { auth } = new DreamAPI({ baseUrl: "https://g.example.com/", publishableKey: "pk_test_1" });
  assert.equal(auth.getSignUpUrl(), "https://g.example.com/auth/pk_test_1/sign-up");
  assert.equal(
    auth.getSignInUrl({ redirect: "https://a.example.com/?x=1", state: "s" }),
    "https://g.example.com/auth/pk_test_1/sign-in?redirect_url=https%3A%2F%2Fa.example.com%2F%3Fx%3D1&state=s",
  );
  assert.match(auth.getCustomerPortalUrl(), /\/account$/);
  assert.throws(() => new DreamAPI({ baseUrl: "https://g.example.com" }).auth.getSignUpUrl(), TypeError);
});
