import type { SignedInView } from "./generated.js";

/** Where a sign-in comes back to. */
export interface SignInTarget {
  /** A URL of one of the project's origins. */
  redirect?: string;
  /** Comes back with the user, as it is. */
  state?: string;
}

/** URLs of the sign-in pages that the gateway's plugin `local` serves for a project. */
export interface SignInPages {
  getSignUpUrl(target?: SignInTarget): string;
  getSignInUrl(target?: SignInTarget): string;
  /** The page of who is signed in: their address, password, and sign-out. */
  getCustomerPortalUrl(): string;
  /**
   * Ask the gateway for the token of who is signed in there, and make calls as them from now on; for
   * pages of the project's origins. It ends soon: ask again at `expiresAt`. Nobody: 401.
   */
  fetchUserToken(): Promise<SignedInView>;
  /** Where a forgotten password is changed. */
  getPasswordResetUrl(target?: SignInTarget): string;
}

/** Return the pages of a project; `ask` fetches a token. */
export function signInPages(
  baseUrl: string,
  publishableKey: string | undefined,
  ask: (url: string) => Promise<SignedInView>,
): SignInPages {
  const at = (page: string, target: SignInTarget = {}): string => {
    if (!publishableKey) throw new TypeError("Sign-in pages are a project's: give a publishableKey.");
    const url = new URL(`${baseUrl}/auth/${encodeURIComponent(publishableKey)}/${page}`);
    if (target.redirect !== undefined) url.searchParams.set("redirect_url", target.redirect);
    if (target.state !== undefined) url.searchParams.set("state", target.state);
    return url.href;
  };
  return {
    getSignUpUrl: (target) => at("sign-up", target),
    getSignInUrl: (target) => at("sign-in", target),
    getCustomerPortalUrl: () => at("account"),
    fetchUserToken: async () => ask(at("token")),
    getPasswordResetUrl: (target) => at("reset", target),
  };
}
