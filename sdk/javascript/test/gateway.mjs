// A gateway as people start it, on SQLite in a folder of its own.
import { execFile, spawn } from "node:child_process";
import { randomBytes, webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const [PROGRAM, ...ARGUMENTS] = JSON.parse(process.env.TESTED_GATEWAY ?? '["dream-gateway"]');
globalThis.crypto ??= webcrypto; // Node 18
export const OPERATOR = "an-operators-token-of-thirty-two-characters";

/** Start a gateway, with a project that has the tiers free (5 units) and pro, before an upstream. */
export async function startGateway() {
  const folder = await mkdtemp(join(tmpdir(), "dg-"));
  const upstream = await listen((request, response) => response.end("ok"));
  try {
    return await run(folder, upstream);
  } catch (error) {
    await upstream.stop(); // else the test waits for it for ever
    throw error;
  }
}

async function run(folder, upstream) {
  await writeFile(
    join(folder, "gateway.toml"),
    `store = "sqlite:///dream.db"
upstream = "${upstream.url}"
port = 0
service_port = 0
operator_tokens = ["${OPERATOR}"]
encryption_keys = ["${randomBytes(32).toString("base64url")}="]
webhook_networks = ["127.0.0.0/8"]
`,
  );
  const env = { ...process.env, DREAM_GATEWAY_CONFIG: "gateway.toml" };
  const tiers = ["--tier", "free=5/month", "--tier", "pro=unlimited", "--tier", "slow=1000/month@1/minute"];
  const create = [...ARGUMENTS, "platform", "create", "--name", "acme", ...tiers, "--json"];
  const { stdout } = await promisify(execFile)(PROGRAM, create, { cwd: folder, env });
  const child = spawn(PROGRAM, [...ARGUMENTS, "serve", "--json"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const [line] = await once(createInterface(child.stdout), "line");
  return {
    ...JSON.parse(stdout),
    ...JSON.parse(line),
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await upstream.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Serve on a free port. */
export async function listen(handler) {
  const server = typeof handler === "function" ? createServer(handler) : handler;
  if (!server.listening) server.listen(0, "127.0.0.1");
  if (!server.listening) await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections?.();
      server.close();
      await once(server, "close");
    },
  };
}

/** Return the body of a request. */
export async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
