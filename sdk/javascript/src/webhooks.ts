/** What the gateway tells: see its guide to webhooks for each type's `data`. */
export interface WebhookMessage<T = Record<string, unknown>> {
  type: string;
  /** ISO 8601. */
  timestamp: string;
  data: T;
}

export interface WebhookOptions {
  /** Seconds that a message may be old, or early; 300 by default. */
  tolerance?: number;
  /** Milliseconds since the epoch. */
  now?: number;
}

/** A message that was not signed with the secret, or not now. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
}

type HeaderSource = Pick<Headers, "get"> | Readonly<Record<string, string | readonly string[] | undefined>>;

const PREFIX = "whsec_";
const TOLERANCE = 300;

/**
 * Return a message that the gateway signed (Standard Webhooks 1.0.0); `body` is as it came, unparsed.
 * Throws `WebhookVerificationError`. A message may come twice: remember its `webhook-id`.
 */
export async function verifyWebhook<T = Record<string, unknown>>(
  secret: string,
  headers: HeaderSource,
  body: string | Uint8Array,
  options: WebhookOptions = {},
): Promise<WebhookMessage<T>> {
  const id = field(headers, "webhook-id");
  const timestamp = field(headers, "webhook-timestamp");
  const signatures = field(headers, "webhook-signature");
  if (!/^\d{1,15}$/.test(timestamp)) throw new WebhookVerificationError("The timestamp is not a number.");
  const age = Math.abs((options.now ?? Date.now()) / 1000 - Number(timestamp));
  if (age > (options.tolerance ?? TOLERANCE)) throw new WebhookVerificationError("The timestamp is too old, or early.");
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  if (!(await isAnySignature(secret, signed, signatures.split(" ")))) {
    throw new WebhookVerificationError("No signature is of this secret.");
  }
  return JSON.parse(new TextDecoder().decode(bytes)) as WebhookMessage<T>;
}

/** WebCrypto compares in constant time. Every signature is looked at: a secret may have two in its grace. */
async function isAnySignature(secret: string, signed: Uint8Array<ArrayBuffer>, given: readonly string[]): Promise<boolean> {
  const webcrypto = globalThis.crypto?.subtle;
  if (webcrypto === undefined) {
    throw new Error("WebCrypto is missing: on Node 18, set globalThis.crypto to webcrypto of node:crypto.");
  }
  const raw = decoded(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret);
  if (raw === undefined) throw new TypeError("A webhook's secret is whsec_ and base64.");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await webcrypto.importKey("raw", raw, hmac, false, ["verify"]);
  const results = given
    .filter((each) => each.startsWith("v1,"))
    .map((each) => decoded(each.slice(3)))
    .map((each) => (each === undefined ? false : webcrypto.verify("HMAC", key, each, signed)));
  return (await Promise.all(results)).includes(true);
}

function field(headers: HeaderSource, name: string): string {
  const value = isGettable(headers) ? headers.get(name) : headers[name];
  if (typeof value !== "string" || value === "") throw new WebhookVerificationError(`${name} is missing.`);
  return value;
}

/** Those of another realm or a library are no `instanceof Headers`. */
function isGettable(headers: HeaderSource): headers is Pick<Headers, "get"> {
  return typeof headers.get === "function";
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
