// Bundles a Worker as deploying one does, and serves it in workerd: node miniflare.mjs FILE [VARIABLE...],
// where the variables of this process are the Worker's bindings; PORT is where it listens.
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const [entry, ...names] = process.argv.slice(2);
const conditions = ["workerd", "worker"];
const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", conditions, write: false });
const worker = new Miniflare({
  modules: true,
  script: outputFiles[0].text,
  compatibilityDate: "2026-04-01",
  bindings: Object.fromEntries(names.map((name) => [name, process.env[name]])),
  host: "127.0.0.1",
  port: Number(process.env.PORT ?? 0),
  cf: false, // Else it asks its maker where it is.
});
process.once("SIGTERM", () => worker.dispose());
console.log(`Listening on ${await worker.ready}`);
