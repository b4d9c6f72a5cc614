// The conformance script with the package as CommonJS.
const sdk = require("dream-gateway");

globalThis.crypto ??= require("node:crypto").webcrypto; // Node 18
import("./conformance.mjs")
  .then(({ conform }) => conform(sdk, JSON.parse(process.env.CONFORMANCE)))
  .then((held) => console.log(JSON.stringify(held)));
