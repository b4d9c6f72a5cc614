// Every entry of the packed package, as CommonJS and as ESM: the same names in both.
const assert = require("node:assert/strict");

const ENTRIES = ["dream-gateway", "dream-gateway/express", "dream-gateway/hono", "dream-gateway/next"];

(async () => {
  for (const entry of ENTRIES) {
    const common = require(entry);
    const names = Object.keys(await import(entry)).filter((name) => !["default", "module.exports"].includes(name));
    assert.deepEqual(Object.keys(common).sort(), names.sort(), entry);
    assert.match(require.resolve(entry), /node_modules\/dream-gateway\/dist\/cjs\//);
  }
  const { DreamAPI, ROUTES } = require("dream-gateway");
  assert.deepEqual(Object.keys(require("dream-gateway/routes.json").routes), Object.keys(ROUTES));
  const api = new DreamAPI({ baseUrl: process.env.GATEWAY_URL, secretKey: process.env.GATEWAY_SECRET_KEY });
  const track = async () => (await api.usage.track({ userId: process.env.CUSTOMER })).usage.usageCount;
  const usageCounts = [await track(), await track()];
  console.log(JSON.stringify({ webcrypto: globalThis.crypto !== undefined, usageCounts }));
})();
