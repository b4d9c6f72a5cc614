import { DreamAPIError } from "./errors.js";
import type { ClientOptions, Options } from "./options.js";
import { isBrowser } from "./places.js";
import type { Auth, Route } from "./route.js";

/** What a client knows to say who it is. */
export interface Credentials {
  readonly options: Readonly<ClientOptions>;
  readonly userToken: string | undefined;
}

type Fields = Record<string, string>;
type Way = (known: Credentials, call: Options) => Fields | undefined;

const bearer = (token: string): Fields => ({ authorization: `Bearer ${token}` });

const WAYS: Readonly<Record<Auth, Way>> = {
  user: ({ options, userToken }) =>
    userToken && options.publishableKey
      ? { "x-publishable-key": options.publishableKey, ...bearer(userToken) }
      : undefined,
  secret: ({ options }) => options.secretKey ? bearer(options.secretKey) : undefined,
  publishable: ({ options }) =>
    options.publishableKey ? { "x-publishable-key": options.publishableKey } : undefined,
  platform: developer,
  operator: developer,
};

const NAMES: Readonly<Record<Auth, string>> = {
  user: "a publishableKey and a user's token (setUserToken)",
  secret: "a secretKey",
  publishable: "a publishableKey",
  platform: "a developer's token",
  operator: "an operator's token",
};

/** Who a call is from, the nearest first: a user who is signed in, unless it names another. */
const ORDER: readonly Auth[] = ["user", "secret", "publishable", "platform", "operator"];
const ORDER_FOR_OTHERS: readonly Auth[] = ["secret", "publishable", "platform", "operator"];

const SECRET = "sk_";
const PREFIXES = [["secretKey", SECRET], ["publishableKey", "pk_"]] as const;

/** Throw `TypeError` if a key is not of the kind that it is given as, or secret where others can read it. */
export function checkKeys(options: Readonly<ClientOptions>): void {
  for (const [name, prefix] of PREFIXES) {
    const key = options[name] ?? undefined;
    if (key !== undefined && !key.startsWith(prefix)) throw new TypeError(`A ${name} begins with ${prefix}.`);
  }
  for (const value of [options.secretKey, options.token]) checkPlace(value, options);
}

/** Throw `TypeError` if a value is a secret key, and this is a page. */
export function checkPlace(value: string | undefined, options: Readonly<ClientOptions>): void {
  if (value?.startsWith(SECRET) && isBrowser() && !options.dangerouslyAllowBrowser) {
    throw new TypeError("A secret key does not belong into a browser: use a publishableKey there.");
  }
}

/** Tell whether a client has what lets a route's calls in. */
export function canCall(route: Route, known: Credentials): boolean {
  return route.auth.length === 0 || route.auth.some((auth) => WAYS[auth](known, {}) !== undefined);
}

/** Return the header fields that let a call in. Throws `DreamAPIError` if the client has none. */
export function credentialsFor(route: Route, known: Credentials, call: Options, user?: string): Fields {
  if (route.auth.length === 0) return {};
  const order = user === undefined ? ORDER : ORDER_FOR_OTHERS;
  for (const auth of order.filter((each) => route.auth.includes(each))) {
    const fields = WAYS[auth](known, call);
    if (fields !== undefined) return fields;
  }
  const wanted = route.auth.map((auth) => NAMES[auth]).join(", or ");
  throw new DreamAPIError({
    status: 0,
    code: "missing_credential",
    message: `${route.method} ${route.path} needs ${wanted}.`,
  });
}

function developer({ options }: Credentials, call: Options): Fields | undefined {
  if (!options.token) return undefined;
  const projectId = call.projectId ?? options.projectId;
  const platformId = call.platformId ?? options.platformId;
  return {
    ...bearer(options.token),
    ...(projectId === undefined ? {} : { "x-project-id": projectId }),
    ...(platformId === undefined ? {} : { "x-platform-id": platformId }),
  };
}
