// The conformance script where modules are ESM: Node, Bun, Deno.
import * as sdk from "dream-gateway";
import { conform } from "./conformance.mjs";

globalThis.crypto ??= (await import("node:crypto")).webcrypto; // Node 18
const held = await conform(sdk, JSON.parse(process.env.CONFORMANCE));
console.log(JSON.stringify(held));
