export { DreamAPI } from "./client.js";
export { DreamAPIError, isDreamAPIError, type ClientCode, type Problem } from "./errors.js";
export { Listing, type Page } from "./listing.js";
export type { SignInPages, SignInTarget } from "./auth.js";
export type { ClientOptions, Options } from "./options.js";
export type { Auth, Route } from "./route.js";
export type { Answered } from "./transport.js";
export {
  verifyWebhook,
  WebhookVerificationError,
  type WebhookMessage,
  type WebhookOptions,
} from "./webhooks.js";
export * from "./generated.js";
