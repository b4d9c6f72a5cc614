import type { DreamAPI } from "./client.js";
import { isDreamAPIError } from "./errors.js";
import { PROBLEMS, PROBLEM_TYPE, type UsageView, type VerifyAnswer } from "./generated.js";

/** Whose key a request came with. */
export interface Caller {
  readonly keyId: string;
  /** The gateway's id of the customer. */
  readonly customerId: string;
  /** Your own id of the customer. */
  readonly userId: string;
  readonly plan: string;
  readonly scopes: readonly string[];
  readonly usage: UsageView | null;
}

/** What a request costs and needs; `R` is the framework's request. */
export interface GuardOptions<R> {
  /** Units; 1 by default, 0 only checks. */
  cost?: number | ((request: R) => number | Promise<number>);
  scopes?: readonly string[] | ((request: R) => readonly string[]);
  /** The caller's address, for keys that are bound to some. */
  ip?: (request: R) => string | undefined;
}

/** What a middleware reads of a request. */
export interface Asking<R> {
  readonly request: R;
  readonly path: string;
  readonly header: (name: string) => string | undefined;
}

export type Fields = Record<string, string>;

/** Let a request pass with more fields in its answer, or refuse it with a problem. */
export type Decision =
  | { readonly caller: Caller; readonly fields: Fields }
  | { readonly caller?: undefined; readonly status: number; readonly fields: Fields; readonly body: string };

type Refusal = keyof typeof PROBLEMS;

const SHOWN = ["ratelimit-policy", "ratelimit"];
const CHALLENGE = 'Bearer realm="api"';
const SECRET = /\b([sa]k_)[0-9A-Za-z_-]{8,}/gi;
/** Characters: no key of the gateway's is as long, nor one that was imported. */
const LONGEST_KEY = 512;

/** Throw `TypeError` if a client can verify nobody's key: its middleware would keep everyone out. */
export function checkGuard(api: DreamAPI): void {
  if (!api.mayCall("verify")) {
    throw new TypeError("A middleware needs a client with a secretKey (sk_...): is its variable set?");
  }
}

/** Decide about a request as the gateway's edge does: its key is verified, and charged for. */
export async function decide<R>(api: DreamAPI, options: GuardOptions<R>, asking: Asking<R>): Promise<Decision> {
  const key = keyOf(asking.header);
  if (typeof key !== "string") return refusal(key.code, asking.path);
  const { cost = 1, scopes = [], ip } = options;
  const address = ip?.(asking.request);
  const question = {
    key,
    cost: typeof cost === "function" ? await cost(asking.request) : cost,
    scopes: typeof scopes === "function" ? scopes(asking.request) : scopes,
    ...(address === undefined ? {} : { ip: address }),
  };
  try {
    const { value, headers } = await api.call<VerifyAnswer>("verify", question);
    return decisionOf(value, headers, asking.path);
  } catch (error) {
    if (!isDreamAPIError(error) || !isAway(error.status)) throw error;
    const wait = error.retryAfter;
    return refusal("store_unavailable", asking.path, { ...(wait === undefined ? {} : { wait }) });
  }
}

/** Return the key of a request, or why there is none: where two differ, which is meant cannot be known. */
function keyOf(header: Asking<unknown>["header"]): string | { code: Refusal } {
  const given = /^bearer +(\S.*)$/i.exec(header("authorization")?.trim() ?? "")?.[1];
  const other = header("x-api-key")?.trim() || undefined;
  const bearer = other !== undefined && !given?.startsWith("ak_") ? undefined : given;
  if (bearer !== undefined && other !== undefined && bearer !== other) return { code: "invalid_credential" };
  const key = bearer ?? other;
  if (key === undefined) return { code: "missing_credential" };
  return key.length > LONGEST_KEY ? { code: "invalid_credential" } : key;
}

/** Tell whether the gateway is the matter: whatever else failed is the developer's to see. */
function isAway(status: number): boolean {
  return status === 0 || status === 429 || status >= 500;
}

function decisionOf(answer: VerifyAnswer, headers: Headers, path: string): Decision {
  const fields: Fields = {};
  for (const name of SHOWN) {
    const value = headers.get(name);
    if (value !== null) fields[name] = value;
  }
  const { keyId, customer, plan, scopes, usage } = answer;
  if (answer.allowed && keyId !== null && customer !== null) {
    const { id, externalId } = customer;
    const caller = { keyId, customerId: id, userId: externalId, plan: plan ?? "", scopes, usage };
    return { caller, fields };
  }
  const code = answer.code in PROBLEMS ? (answer.code as Refusal) : "internal_error";
  return refusal(code, path, { fields, ...about(answer, fields), ...requestIdOf(headers) });
}

/** What a refusal tells beside its code; a quota helps again only when it begins anew. */
function about(answer: VerifyAnswer, fields: Fields): { extra: object; wait?: number } {
  const isQuota = answer.code === "quota_exceeded";
  const reset = answer.policy === null ? 0 : resetOf(fields["ratelimit"] ?? "", answer.policy);
  const wait = answer.retryAfter === null || isQuota ? Math.max(answer.retryAfter ?? 0, reset) : answer.retryAfter;
  const extra = {
    ...(answer.policy === null ? {} : { policy: answer.policy }),
    ...(isQuota && answer.usage ? { usageCount: answer.usage.usageCount, limit: answer.usage.limit } : {}),
  };
  return { extra, ...(wait > 0 ? { wait } : {}) };
}

function requestIdOf(headers: Headers): { requestId?: string } {
  const requestId = headers.get("x-request-id");
  return requestId === null ? {} : { requestId };
}

/** Return the seconds that `RateLimit` says of a policy, 0 if it does not. */
function resetOf(value: string, policy: string): number {
  const member = value.split(/,\s*/).find((each) => each.startsWith(JSON.stringify(policy) + ";"));
  return Number(/;t=(\d+)/.exec(member ?? "")?.[1] ?? 0);
}

interface About {
  readonly fields?: Fields;
  readonly extra?: object;
  readonly wait?: number;
  readonly requestId?: string;
}

/** Return a problem (RFC 9457), with the fields that go beside it. */
function refusal(code: Refusal, path: string, about: About = {}): Decision {
  const { status, title } = PROBLEMS[code];
  const { requestId, wait } = about;
  const fields: Fields = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...about.fields,
  };
  const isUnknown = code === "missing_credential";
  if (status === 401) fields["www-authenticate"] = CHALLENGE + (isUnknown ? "" : ', error="invalid_token"');
  if (status === 429 || status === 503 || wait !== undefined) {
    fields["retry-after"] = String(Math.max(1, Math.ceil(wait ?? 1)));
  }
  if (requestId !== undefined) fields["x-request-id"] = requestId;
  const body = {
    type: PROBLEM_TYPE + code,
    title,
    status,
    detail: title,
    instance: path.replace(SECRET, "$1***"),
    code,
    ...(requestId === undefined ? {} : { requestId }),
    error: code,
    message: title,
    ...about.extra,
  };
  return { status, fields, body: JSON.stringify(body) };
}
