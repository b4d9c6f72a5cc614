// The client's methods against a live gateway.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DreamAPI, DreamAPIError, Listing, ROUTES, verifyWebhook, WebhookVerificationError } from "dream-gateway";
import { OPERATOR, bodyOf, listen, startGateway } from "./gateway.mjs";

let gateway, api;

before(async () => {
  gateway = await startGateway();
  api = new DreamAPI({ baseUrl: gateway.service, secretKey: gateway.secretKey });
});
after(() => gateway?.stop());

const failed = (code, status) => (error) => {
  assert.ok(error instanceof DreamAPIError, String(error));
  assert.deepEqual([error.code, error.status], [code, status], error.message);
  return true;
};

test("a base URL is that of an HTTP server", () => {
  for (const baseUrl of [undefined, null, "", "ftp://x", "127.0.0.1:8787", "http://", "javascript:1"]) {
    assert.throws(() => new DreamAPI({ baseUrl }), TypeError, String(baseUrl));
  }
});

test("customers are created, changed and deleted", async () => {
  const { customer } = await api.customers.create({ email: "ada@example.com", plan: "free", externalId: "c-1" });
  assert.equal(customer.externalId, "c-1");
  const changed = await api.customers.update(customer.id, { plan: "pro" });
  assert.equal(changed.customer.plan, "pro");
  assert.equal((await api.customers.get(customer.id)).customer.plan, "pro");
  assert.equal(await api.customers.delete(customer.id), undefined);
  await assert.rejects(api.customers.get(customer.id), failed("not_found", 404));
});

test("a list is awaited for its first page, and iterated to its end", async () => {
  const wanted = ["l-1", "l-2", "l-3", "l-4", "l-5"];
  for (const externalId of wanted) await api.customers.create({ email: `${externalId}@example.com`, externalId });
  const list = api.customers.list({ limit: 2 });
  assert.ok(list instanceof Listing);
  const page = await list;
  assert.deepEqual([page.data.length, page.hasMore], [2, true]);
  const seen = [];
  for await (const { externalId } of list) seen.push(externalId);
  assert.deepEqual(seen.filter((each) => each.startsWith("l-")), wanted);
  const pages = [];
  for await (const { data } of api.customers.list({ limit: 2 }).pages()) pages.push(data.length);
  assert.equal(pages.reduce((a, b) => a + b), seen.length);
  const found = await api.customers.list({ externalId: "l-3" });
  assert.deepEqual(found.data.map((each) => each.email), ["l-3@example.com"]);
});

test("usage is charged, told and taken back", async () => {
  const { usage, eventId, duplicate } = await api.usage.track({ userId: "u-1", cost: 2 });
  assert.deepEqual([usage.usageCount, usage.limit, usage.plan, duplicate], [2, 5, "free", false]);
  assert.equal((await api.usage.void(eventId, { amount: 1 })).amount, 1);
  assert.equal((await api.usage.check({ userId: "u-1" })).usageCount, 1);
});

test("the same idempotency key charges once", async () => {
  const first = await api.usage.track({ userId: "u-2", idempotencyKey: "order-1" });
  const second = await api.usage.track({ userId: "u-2" }, { idempotencyKey: "order-1" });
  assert.deepEqual([first.duplicate, second.duplicate, second.eventId], [false, true, first.eventId]);
  assert.equal((await api.usage.check({ userId: "u-2" })).usageCount, 1);
});

test("without an idempotency key there is no event, and the charge is made", async () => {
  const answer = await api.usage.track({ userId: "u-3" }, { idempotencyKey: null });
  assert.deepEqual([answer.eventId, answer.usage.count], [undefined, 1]);
});

test("a batch tells of each event", async () => {
  const events = [{ userId: "u-4", idempotencyKey: "b-1", cost: 4 }, { userId: "u-4", idempotencyKey: "b-2", cost: 4 }];
  const { success, results } = await api.usage.batch({ events });
  assert.equal(success, false);
  assert.deepEqual(results.map((each) => each.code), ["recorded", "quota_exceeded"]);
});

test("past the limit the error is typed, and says when to come back", async () => {
  await api.usage.track({ userId: "u-5", cost: 5 });
  const error = await api.usage.track({ userId: "u-5" }).catch((each) => each);
  assert.ok(failed("quota_exceeded", 429)(error));
  assert.ok(error.retryAfter > 0);
  assert.match(error.requestId, /./);
  assert.deepEqual([error.problem.usageCount, error.problem.limit], [5, 5]);
});

test("a user's id may be in any script", async () => {
  const { usage } = await api.usage.track({ userId: "Zoë-名前" });
  assert.equal(usage.userId, "Zoë-名前");
  const { data } = await api.customers.list({ externalId: "Zoë-名前" });
  assert.equal(data.length, 1);
});

test("a customer's key is made, verified, rotated and revoked", { timeout: 60_000 }, async () => {
  const { customer } = await api.customers.create({ email: "kay@example.com", externalId: "k-1" });
  const made = await api.keys.create(customer.id, { name: "laptop", scopes: ["read"] });
  const seen = await api.verify({ key: made.key, scopes: ["read"] });
  assert.deepEqual([seen.allowed, seen.customer.externalId, seen.usage.usageCount], [true, "k-1", 1]);
  assert.equal((await api.verify({ key: made.key, scopes: ["write"] })).code, "insufficient_scope");
  const rotated = await api.keys.rotate(made.keyId);
  assert.equal((await api.verify({ key: rotated.key })).allowed, true);
  await api.keys.delete(rotated.keyId);
  const keys = [];
  for await (const { keyId } of api.keys.list(customer.id)) keys.push(keyId);
  assert.ok(keys.includes(rotated.keyId));
  for (;;) {
    // Another worker may hear of it a moment later.
    const { code } = await api.verify({ key: rotated.key, cost: 0 });
    if (code === "invalid_credential") break;
    assert.equal(code, "allowed");
  }
});

test("a change of what was changed meanwhile is refused", async () => {
  const { customer } = await api.customers.create({ email: "eta@example.com" });
  const { headers } = await api.call("customers.get", customer.id);
  const ifMatch = headers.get("etag");
  await api.customers.update(customer.id, { firstName: "Eta" }, { ifMatch });
  await assert.rejects(api.customers.update(customer.id, { firstName: "Ada" }, { ifMatch }), failed("precondition_failed", 412));
});

test("tiers and products are for a publishable key, too, and nothing else is", async () => {
  await api.tiers.create({ name: "team", limit: 50 });
  await api.tiers.update("team", { limit: 60 });
  const { id } = await api.products.create({ name: "Mug", price: 900, currency: "usd" });
  const page = new DreamAPI({ baseUrl: gateway.service, publishableKey: gateway.publishableKey });
  const { tiers } = await page.products.listTiers();
  assert.equal(tiers.find(({ name }) => name === "team").limit, 60);
  assert.deepEqual((await page.products.list()).products.map((each) => each.id), [id]);
  await assert.rejects(page.customers.list(), failed("missing_credential", 0));
  await assert.rejects(page.usage.track(), failed("missing_credential", 0));
  page.setUserToken("not.a.token");
  await assert.rejects(page.usage.track(), failed("invalid_credential", 401));
  page.clearUserToken();
  await assert.rejects(page.usage.check(), failed("missing_credential", 0));
  await api.tiers.delete("team");
});

test("money is asked for, and this gateway takes none", async () => {
  await assert.rejects(api.billing.createCheckout({ userId: "u-1", tier: "pro" }), failed("billing_not_configured", 501));
  await assert.rejects(api.billing.openPortal({ userId: "u-1" }), failed("billing_not_configured", 501));
  const items = [{ priceId: "price_1", quantity: 1 }];
  await assert.rejects(api.products.cartCheckout({ items }), failed("billing_not_configured", 501));
});

test("the dashboard's numbers", async () => {
  const { metrics, customers } = await api.dashboard.get({ limit: 1 });
  assert.deepEqual([typeof metrics.customers, customers.length], ["number", 1]);
  assert.equal((await api.dashboard.getTotals()).projects.length, 1);
  assert.equal((await api.dashboard.getSeries({ metric: "requests", granularity: "day" })).granularity, "day");
});

test("an operator manages projects", async () => {
  const operator = new DreamAPI({ baseUrl: gateway.service, token: OPERATOR });
  const { data } = await operator.operator.listPlatforms();
  const platformId = data[0].id;
  const projects = [];
  for await (const { id } of operator.projects.list({}, { platformId })) projects.push(id);
  assert.deepEqual(projects, [gateway.projectId]);
  const changed = await operator.projects.update(gateway.projectId, { origins: ["https://app.example.com"] });
  assert.deepEqual(changed.origins, ["https://app.example.com"]);
  const page = await operator.customers.list({ limit: 1 }, { projectId: gateway.projectId });
  assert.equal(page.data.length, 1);
});

test("every fault of an input is named", async () => {
  const error = await api.customers.create({ email: "nobody", plan: 3 }).catch((each) => each);
  assert.ok(failed("invalid_request", 422)(error));
  assert.deepEqual(error.problem.errors.map((each) => each.pointer).sort(), ["/email", "/plan"]);
});

test("a wrong key is a 401", async () => {
  const other = new DreamAPI({ baseUrl: gateway.service, secretKey: gateway.secretKey.slice(0, -1) + "!" });
  await assert.rejects(other.tiers.list(), failed("invalid_credential", 401));
});

test("names in paths are escaped, and none climbs out", async () => {
  await assert.rejects(api.customers.get("../tiers"), failed("not_found", 404));
  for (const bad of ["", ".", "..", undefined]) await assert.rejects(async () => api.customers.get(bad), TypeError);
});

test("the gateway tells how it is, without a key", async () => {
  const anybody = new DreamAPI({ baseUrl: `${gateway.service}/` });
  assert.equal((await anybody.status.health()).status, "ok");
  assert.equal((await anybody.status.ready()).ready, true);
});

test("every route of the table is one of the document's, and a method", async () => {
  const { paths } = await (await fetch(`${gateway.service}/openapi.json`)).json();
  for (const [name, { method, path }] of Object.entries(ROUTES)) {
    assert.ok(paths[path]?.[method.toLowerCase()], `${method} ${path}`);
    const found = name.split(".").reduce((object, part) => object[part], api);
    assert.equal(typeof found, "function", name);
  }
});

test("a webhook that the gateway sends is taken, and a forged one is not", async () => {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const site = await listen(async (request, response) => {
    tell({ headers: request.headers, body: await bodyOf(request) });
    response.end();
  });
  try {
    const endpoint = await api.webhookEndpoints.create({ url: `${site.url}/hooks` });
    const { messageId } = await api.webhookEndpoints.test(endpoint.id);
    const { headers, body } = await told;
    const message = await verifyWebhook(endpoint.secret, headers, body);
    assert.equal(message.type, "webhook.test");
    assert.equal(headers["webhook-id"], messageId);
    const refuse = (promise) => assert.rejects(promise, WebhookVerificationError);
    await refuse(verifyWebhook(endpoint.secret, headers, body.toString().replace("webhook.test", "webhook.best")));
    await refuse(verifyWebhook(`whsec_${btoa("another secret of that length....")}`, headers, body));
    await refuse(verifyWebhook(endpoint.secret, { ...headers, "webhook-id": "msg_other" }, body));
    await refuse(verifyWebhook(endpoint.secret, headers, body, { now: Date.now() + 301_000 }));
    await refuse(verifyWebhook(endpoint.secret, { ...headers, "webhook-signature": undefined }, body));
    const rotating = { ...headers, "webhook-signature": `v1,AAAA v1a,x ${headers["webhook-signature"]}` };
    assert.equal((await verifyWebhook(endpoint.secret, new Headers(rotating), body)).type, "webhook.test");
  } finally {
    await site.stop();
  }
});
