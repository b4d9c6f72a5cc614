/** How one call is made, beside its input. */
export interface Options {
  /** Makes repeats of a POST harmless. Made by the client if left out; `null`: none, and no repeat. */
  idempotencyKey?: string | null;
  /** The `ETag` of what is to be changed: 412 if it was changed meanwhile. */
  ifMatch?: string;
  /** Ends the call, with all its attempts. */
  signal?: AbortSignal;
  /** Milliseconds that each attempt may take. */
  timeout?: number;
  /** How often a failed attempt is repeated, where that is safe. */
  maxRetries?: number;
  /** With a developer's or operator's token: the project it is about. */
  projectId?: string;
  /** With a developer's or operator's token: the platform it is about. */
  platformId?: string;
}

/** What a client is made from. */
export interface ClientOptions {
  /** URL of the gateway's service, such as `https://gateway.example.com`. */
  baseUrl: string;
  /** `sk_...`: for your back end only. */
  secretKey?: string;
  /** `pk_...`: for pages of the project's origins. */
  publishableKey?: string;
  /** A developer's token of your identity provider, or an operator's token. */
  token?: string;
  /** Where `token` names no project or platform by itself. */
  projectId?: string;
  platformId?: string;
  /** Milliseconds for each attempt; 30,000 by default. */
  timeout?: number;
  /** 2 by default. */
  maxRetries?: number;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** A secret key in a page is everyone's. Only for pages that nobody else can open. */
  dangerouslyAllowBrowser?: boolean;
}
