import { signInPages, type SignInPages } from "./auth.js";
import { canCall, checkKeys, checkPlace, credentialsFor } from "./credentials.js";
import { ROUTES, type Resources, type SignedInView } from "./generated.js";
import { Listing, type Page } from "./listing.js";
import type { ClientOptions, Options } from "./options.js";
import { uniqueKey } from "./places.js";
import { callOf, fieldValue } from "./request.js";
import { isRepeatable } from "./retry.js";
import type { Route } from "./route.js";
import { send, type Answered, type Outgoing } from "./transport.js";

const TIMEOUT = 30_000;
const RETRIES = 2;

type Request = Omit<Outgoing, "timeout" | "maxRetries" | "signal">;

export interface DreamAPI extends Omit<Resources, "auth"> {
  readonly auth: Resources["auth"] & SignInPages;
}

/** A client of a gateway. Its methods are those of the table in `routes.json`. */
export class DreamAPI {
  readonly #options: Readonly<ClientOptions>;
  readonly #baseUrl: string;
  #userToken: string | undefined;

  constructor(options: ClientOptions) {
    checkKeys(options);
    this.#options = options;
    this.#baseUrl = placeOf(options.baseUrl);
    for (const [name, route] of Object.entries(ROUTES)) this.#add(name, route);
    const pages = signInPages(this.#baseUrl, options.publishableKey, (url) => this.#askToken(url));
    Object.assign(this.auth, pages);
  }

  /**
   * Let calls be made as the end user whose token this is, beside the publishable key: all calls of this
   * client, whoever makes them. One client for each user, where several are served at once.
   */
  setUserToken(token: string): void {
    checkPlace(token, this.#options);
    this.#userToken = token;
  }

  clearUserToken(): void {
    this.#userToken = undefined;
  }

  /** Tell whether the client has a credential that the method of this name takes. */
  mayCall(name: string): boolean {
    const route = ROUTES[name];
    return route !== undefined && canCall(route, { options: this.#options, userToken: this.#userToken });
  }

  /**
   * Call a method by its name in `routes.json`, and return the answer with its header fields:
   * `RateLimit`, `ETag`, `X-Request-Id`.
   */
  async call<T>(name: string, ...given: unknown[]): Promise<Answered<T>> {
    const route = ROUTES[name];
    if (route === undefined) throw new TypeError(`There is no method ${name}.`);
    return this.#send<T>(route, given);
  }

  #add(name: string, route: Route): void {
    const [group, method] = /^(?:(\w+)\.)?(\w+)$/.exec(name)!.slice(1) as [string?, string?];
    const members = this as unknown as Record<string, Record<string, unknown>>;
    const target: Record<string, unknown> = group === undefined ? members : (members[group] ??= {});
    target[method!] = (...given: unknown[]) =>
      route.pages ? this.#list(route, given) : this.#send(route, given).then(({ value }) => value);
  }

  #list(route: Route, given: readonly unknown[]): Listing<unknown> {
    const at = route.path.split("{").length - 1;
    return new Listing<unknown>(async (cursor) => {
      const next = cursor === undefined ? {} : { cursor };
      const input = { ...(given[at] as object | undefined), ...next };
      const all = [...given.slice(0, at), input, ...given.slice(at + 1)];
      return (await this.#send<Page<unknown>>(route, all)).value;
    });
  }

  async #send<T>(route: Route, given: readonly unknown[]): Promise<Answered<T>> {
    const call = callOf(route, given);
    const { options } = call;
    const known = { options: this.#options, userToken: this.#userToken };
    const headers: Record<string, string> = {
      accept: "application/json",
      ...credentialsFor(route, known, options, call.userId),
      ...call.headers,
    };
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (options.ifMatch !== undefined) headers["if-match"] = options.ifMatch;
    const key = route.repeatable === "key" ? keyOf(call.key, options.idempotencyKey) : undefined;
    if (key !== undefined) headers["Idempotency-Key"] = key;
    return this.#deliver<T>({
      method: route.method,
      url: this.#baseUrl + call.path,
      headers,
      body: call.body,
      repeatable: isRepeatable(route, key),
    }, options);
  }

  async #askToken(url: string): Promise<SignedInView> {
    const headers = { accept: "application/json" };
    const asked = { method: "POST", url, headers, body: undefined, repeatable: true, cookies: true };
    const { value } = await this.#deliver<SignedInView>(asked, {});
    this.setUserToken(value.token);
    return value;
  }

  #deliver<T>(request: Request, options: Options): Promise<Answered<T>> {
    return send<T>(this.#options.fetch ?? fetch, {
      ...request,
      timeout: options.timeout ?? this.#options.timeout ?? TIMEOUT,
      maxRetries: options.maxRetries ?? this.#options.maxRetries ?? RETRIES,
      signal: options.signal,
    });
  }
}

/** Return where the gateway is, without a slash at its end. Throws `TypeError` unless it is an HTTP URL. */
function placeOf(baseUrl: string | undefined): string {
  const url = /^https?:\/\//i.test(baseUrl ?? "") ? new URL(baseUrl!) : undefined;
  if (!url) throw new TypeError("A baseUrl is the URL of the gateway's service, and begins with http:// or https://.");
  return url.href.replace(/\/+$/, "");
}

/** Return the key that makes repeats harmless: as named, or a new one; `null` is none. */
function keyOf(named: string | undefined, option: string | null | undefined): string | undefined {
  if (named !== undefined) return named;
  if (option === null) return undefined;
  return option === undefined ? uniqueKey() : fieldValue(option);
}
