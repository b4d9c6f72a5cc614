// What the client does on every runtime, tried on a live gateway. Nothing of any runtime is imported:
// `sdk` is the packed package, as whoever runs this has loaded it.

/**
 * Return the names of what held; throws what did not. `place` sets the users of one run apart from
 * another's; `front` stands before the gateway and fails as the first part of a path says.
 */
export async function conform(sdk, { place, gateway, front, secretKey, signed }) {
  const given = {
    sdk,
    gateway,
    signed,
    user: (name) => `${place}-${name}`,
    api: new sdk.DreamAPI({ baseUrl: gateway, secretKey }),
    behind: (fault, options) => new sdk.DreamAPI({ baseUrl: `${front}/${fault}`, secretKey, ...options }),
  };
  for (const [name, holds] of Object.entries(CHECKS)) {
    try {
      await holds(given);
    } catch (cause) {
      throw new Error(`${place}: ${name}: ${cause.stack ?? cause}`, { cause });
    }
  }
  return Object.keys(CHECKS);
}

const CHECKS = {
  async "a user is charged, and the usage told"({ api, user }) {
    const { usage, duplicate } = await api.usage.track({ userId: user("ada"), cost: 2 });
    equal([usage.userId, usage.usageCount, usage.limit, duplicate], [user("ada"), 2, 4, false]);
    equal((await api.usage.check({ userId: user("ada") })).remaining, 2);
  },

  async "a batch tells of each event"({ api, user }) {
    const event = (idempotencyKey) => ({ userId: user("bea"), idempotencyKey: user(idempotencyKey), cost: 3 });
    const { success, results } = await api.usage.batch({ events: [event("b-1"), event("b-1"), event("b-2")] });
    equal([success, results.map((each) => each.code)], [false, ["recorded", "duplicate", "quota_exceeded"]]);
  },

  async "past the limit the error is typed"({ sdk, api, user }) {
    const error = await failure(api.usage.track({ userId: user("eve"), cost: 5 }));
    equal([error instanceof sdk.DreamAPIError, sdk.isDreamAPIError(error), error instanceof Error], [true, true, true]);
    equal([error.name, error.status, error.code], ["DreamAPIError", 429, "quota_exceeded"]);
    equal([error.problem.limit, error.problem.usageCount, error.problem.requestId], [4, 0, error.requestId]);
    equal((await failure(new sdk.DreamAPI({ baseUrl: "https://example.com" }).usage.track())).code, "missing_credential");
  },

  async "the same idempotency key charges once"({ api, user }) {
    const once = { userId: user("may"), idempotencyKey: user("order") };
    const [first, second] = [await api.usage.track(once), await api.usage.track(once)];
    equal([second.duplicate, second.eventId, second.usage.usageCount], [true, first.eventId, 1]);
  },

  async "two calls have two idempotency keys"({ api, user }) {
    await api.usage.track({ userId: user("moe") });
    equal((await api.usage.track({ userId: user("moe") })).usage.usageCount, 2);
  },

  async "a charge whose answer is lost is made again, with its key"({ behind, user }) {
    for (const [at, fault] of ["lost", "broken", "busy"].entries()) {
      const { duplicate, usage } = await behind(fault).usage.track({ userId: user("sue") });
      equal([duplicate, usage.usageCount], [fault !== "busy", at + 1], fault);
    }
  },

  async "what may not be repeated is not, and nobody there is an error with its cause"({ sdk, behind, user }) {
    const nobody = new sdk.DreamAPI({ baseUrl: "http://127.0.0.1:1", maxRetries: 1 });
    const charge = () => behind("lost").usage.track({ userId: user("ron") }, { idempotencyKey: null });
    for (const call of [charge, () => nobody.status.health()]) {
      const error = await failure(call());
      equal([error.status, error.code, error.cause !== undefined], [0, "connection_failed", true]);
    }
  },

  async "an attempt that takes too long is given up"({ behind }) {
    const error = await failure(behind("silent", { timeout: 200, maxRetries: 1 }).tiers.list());
    equal([error.name, error.status, error.code], ["DreamAPIError", 0, "timeout"]);
    const half = await failure(behind("stuck", { timeout: 400, maxRetries: 0 }).tiers.list());
    equal([half.status, half.code], [0, "timeout"]);
  },

  async "a signal ends a call, for its reason"({ behind }) {
    const ending = new AbortController();
    const call = failure(behind("silent").tiers.list({ signal: ending.signal }));
    setTimeout(() => ending.abort(new RangeError("enough")), 50);
    equal(String(await call), "RangeError: enough");
    equal((await failure(behind("silent").tiers.list({ signal: AbortSignal.timeout(50) }))).name, "TimeoutError");
    equal((await failure(behind("silent").tiers.list({ signal: AbortSignal.abort() }))).name, "AbortError");
  },

  async "a redirect is not followed with a key"({ behind }) {
    equal((await failure(behind("moved").tiers.list())).status, 307);
  },

  async "names and keys are in any script"({ api, user }) {
    const userId = user("Zoë-名前");
    const { usage, duplicate } = await api.usage.track({ userId, idempotencyKey: user("été") });
    equal([usage.userId, duplicate], [userId, false]);
    equal((await api.usage.track({ userId }, { idempotencyKey: user("été") })).duplicate, true);
    equal((await api.usage.check({ userId })).usageCount, 1);
    equal((await api.customers.list({ externalId: userId })).data.map((each) => each.externalId), [userId]);
  },

  async "a list is awaited, and iterated to its end"({ api, user }) {
    const wanted = ["l-1", "l-2", "l-3"].map(user);
    for (const externalId of wanted) await api.customers.create({ email: `${externalId}@example.com`, externalId });
    const list = api.customers.list({ limit: 2 });
    equal((await list).data.length, 2);
    const seen = [];
    for await (const { externalId } of list) if (wanted.includes(externalId)) seen.push(externalId);
    equal(seen, wanted);
  },

  async "header fields of an answer are told, and heeded"({ api, user }) {
    const { customer } = await api.customers.create({ email: `${user("eta")}@example.com` });
    const { headers } = await api.call("customers.get", customer.id);
    const ifMatch = headers.get("etag");
    await api.customers.update(customer.id, { firstName: "Eta" }, { ifMatch });
    equal((await failure(api.customers.update(customer.id, { firstName: "Ada" }, { ifMatch }))).status, 412);
    equal(await api.customers.delete(customer.id), undefined);
    equal((await failure(api.customers.get(customer.id))).code, "not_found");
  },

  async "a webhook's signature is checked"({ sdk, signed: { secret, headers, body } }) {
    const others = { get: (name) => headers[name] ?? null }; // Headers of a library, or of another realm
    for (const source of [headers, new Headers(headers), others]) {
      equal((await sdk.verifyWebhook(secret, source, new TextEncoder().encode(body))).data, { customerId: "Zoë" });
    }
    equal((await sdk.verifyWebhook(secret, headers, body)).type, "customer.created");
    const late = Number(headers["webhook-timestamp"]) * 1000 + 301_000;
    const forged = [
      [secret, headers, body.replace("Zoë", "Eve")],
      [`whsec_${btoa("another secret, as long as one")}`, headers, body],
      [secret, { ...headers, "webhook-id": "msg_other" }, body],
      [secret, headers, body, { now: late }],
    ];
    for (const each of forged) equal((await failure(sdk.verifyWebhook(...each))).name, "WebhookVerificationError");
  },
};

async function failure(promise) {
  const value = await promise.then(() => "no failure", (error) => ({ error }));
  if (value === "no failure") throw new Error("it did not fail");
  return value.error;
}

function equal(seen, wanted, about = "") {
  const [one, other] = [JSON.stringify(seen), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`${about} ${one} is not ${other}`);
}
