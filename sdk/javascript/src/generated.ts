// Written by scripts/sdk from routes.json and the gateway's OpenAPI document: not by hand.

import type { Listing } from "./listing.js";
import type { Options } from "./options.js";
import type { Route } from "./route.js";

/** A problem (RFC 9457). `error` and `message` say `code` and `detail` again. */
export interface ProblemView {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance?: string;
  code: string;
  requestId: string;
  error: string;
  message: string;
  errors?: (Record<string, unknown>)[];
  policy?: string;
  usageCount?: number;
  limit?: number | null;
}

/** What a request costs. */
export interface TrackRequest {
  cost?: number | null;
}

/** The charge was made. `eventId` and `duplicate` are there with an `Idempotency-Key`. */
export interface TrackAnswer {
  success: true;
  usage: CountedUsage;
  eventId?: string | null;
  duplicate?: boolean | null;
}

/** Usage after it was charged; `count` is `usageCount` by its other name. `overage` is there where the tier has a price for units beyond `limit`. */
export interface CountedUsage {
  userId: string;
  plan: string;
  count: number;
  usageCount: number;
  limit: number | "unlimited";
  remaining: number | "unlimited";
  periodStart: string | null;
  periodEnd: string | null;
  overage?: number;
}

/** Usage of the current period. Units that other workers hold on lease count as used, so it is exact once traffic has been idle for a second, and never too low. `overage` are the units beyond `limit`, where the tier has a price for them: they are paid, and not refused. `subscription` is there for one who pays or did, where usage is what was asked for. */
export interface UsageView {
  userId: string;
  plan: string;
  usageCount: number;
  limit: number | "unlimited";
  remaining: number | "unlimited";
  periodStart: string | null;
  periodEnd: string | null;
  overage?: number;
  subscription?: SubscriptionView;
}

/** What a customer pays for. One that was cancelled is theirs until `cancelAt`. `status` is the provider's word: `active`, `trialing`, `past_due`, `canceled` and others. From `scheduledAt` on it is for the tier `scheduledPlan`. */
export interface SubscriptionView {
  plan: string | null;
  status: string;
  currentPeriodEnd: string | null;
  cancelAt: string | null;
  canceledAt: string | null;
  trialEnd: string | null;
  scheduledPlan: string | null;
  scheduledAt: string | null;
}

/** A customer key, what its use costs, and what it must be allowed. `ip` is the address the key is used from, for keys that are bound to some. */
export interface VerifyRequest {
  key: string;
  /** Units to charge; 0 tells usage and charges nothing. */
  cost?: number;
  scopes?: string[];
  ip?: string | null;
}

/** Whether the key may be used now; a refusal is an answer, and consumed nothing. `code` is `allowed`, or that of the refusal. `retryAfter` is seconds, when waiting helps. */
export interface VerifyAnswer {
  allowed: boolean;
  code: string;
  keyId: string | null;
  customer: VerifiedCustomer | null;
  plan: string | null;
  scopes: string[];
  usage: UsageView | null;
  policy: string | null;
  retryAfter: number | null;
}

/** Whose key it is. */
export interface VerifiedCustomer {
  id: string;
  externalId: string;
}

/** Usage events, each with a result of its own. */
export interface BatchRequest {
  events: BatchEvent[];
}

/** One usage event; `plan` is the tier of a user who is new. */
export interface BatchEvent {
  /** The developer's own id of a customer. */
  userId: string;
  /** Makes a repeat of the request harmless: the first one counts. */
  idempotencyKey: string;
  /** Units to charge; 0 tells usage and charges nothing. */
  cost?: number;
  plan?: string | null;
}

/** The results in the order of the events; `success` if all of them are. */
export interface BatchAnswer {
  success: boolean;
  results: EventResult[];
}

/** What became of one event: `code` is `recorded`, `duplicate`, or that of an error. */
export interface EventResult {
  success: boolean;
  code: string;
  status: number;
  detail?: string | null;
  eventId?: string | null;
  duplicate?: boolean | null;
  usage?: CountedUsage | null;
  retryAfter?: number | null;
  errors?: FaultView[] | null;
}

/** What is wrong with the value at a JSON pointer (RFC 6901). */
export interface FaultView {
  pointer: string;
  detail: string;
}

/** How much to take back; all that is left without `amount`. */
export interface VoidRequest {
  amount?: number | null;
}

/** `amount` units of the event were taken back. */
export interface VoidAnswer {
  success: true;
  eventId: string;
  voidId: string;
  amount: number;
  duplicate: boolean;
}

/** A customer to create. `externalId` is the `X-User-Id` they are charged by; default: their id. `plan` is the project's default tier unless given. */
export interface NewCustomer {
  email: string;
  password?: string | null;
  firstName?: string | null;
  lastName?: string | null;
  plan?: string | null;
  externalId?: string | null;
  /** Anything the developer wants kept with it. */
  metadata?: Record<string, unknown>;
}

/** One customer. */
export interface CustomerAnswer {
  success: true;
  customer: CustomerView;
}

/** A customer. */
export interface CustomerView {
  id: string;
  externalId: string;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  plan: string;
  suspended: boolean;
  publishableKey: string | null;
  subscription: SubscriptionView | null;
  metadata: Record<string, unknown>;
  createdAt: string;
}

/** A page of customers, oldest first. */
export interface CustomerPage {
  data: CustomerView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** What to change of a customer; what is left out stays as it is. Whoever is `suspended` is refused everywhere, and keeps their keys and what they used. */
export interface CustomerChange {
  email?: string | null;
  firstName?: string | null;
  lastName?: string | null;
  /** The name of a tier of the project. */
  plan?: string;
  /** Anything the developer wants kept with it. */
  metadata?: Record<string, unknown>;
  suspended?: boolean;
}

/** A key to create. `allowedIps` empty: from anywhere. `rate`: beside the customer's own. `digest` is for a key that the customer has already; `last4` are its last characters, for people. */
export interface NewKey {
  name?: string;
  scopes?: string[];
  expiresAt?: string | null;
  allowedIps?: string[];
  rate?: RateShape | null;
  /** Anything the developer wants kept with it. */
  metadata?: Record<string, unknown>;
  digest?: string | null;
  last4?: string;
}

/** A rate: `limit` units per `interval`, `burst` of them at once (default: `limit`). */
export interface RateShape {
  /** Units per interval. */
  limit: number;
  interval: "day" | "hour" | "minute" | "second";
  burst?: number | null;
}

/** A key just made. `key` is its secret: it is shown here and never again. A replay of the request (`replayed`) has no `key`, nor has a key that came as a digest. */
export interface KeySecret {
  keyId: string;
  customerId: string | null;
  name: string;
  prefix: string;
  last4: string;
  scopes: string[];
  status: KeyStatus;
  expiresAt: string | null;
  allowedIps: string[];
  rate: RateView | null;
  metadata: Record<string, unknown>;
  createdAt: string;
  lastUsedAt: string | null;
  key?: string | null;
  replayed?: boolean;
}

/** Whether a key works. `REVOKED` is final; `DISABLED` may be undone. */
export type KeyStatus = "active" | "disabled" | "revoked";

/** A rate in force: `limit` units per `interval`, `burst` of them at once. */
export interface RateView {
  limit: number;
  interval: Interval;
  burst: number | null;
}

/** How long a quota's period, or the denominator of a rate, is. */
export type Interval = "day" | "hour" | "lifetime" | "minute" | "month" | "second" | "week" | "year";

/** A page of keys, oldest first, revoked ones too. */
export interface KeyPage {
  data: KeyView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** A key, without its secret, which is not kept. `lastUsedAt` is true to about a minute. */
export interface KeyView {
  keyId: string;
  customerId: string | null;
  name: string;
  prefix: string;
  last4: string;
  scopes: string[];
  status: KeyStatus;
  expiresAt: string | null;
  allowedIps: string[];
  rate: RateView | null;
  metadata: Record<string, unknown>;
  createdAt: string;
  lastUsedAt: string | null;
}

/** For how many seconds the old secret goes on working. */
export interface Rotation {
  graceSeconds?: number;
}

/** What to change of a key; what is left out stays as it is. `null` removes an end or a rate. */
export interface KeyChange {
  name?: string;
  scopes?: string[];
  status?: "active" | "disabled";
  expiresAt?: string | null;
  allowedIps?: string[];
  rate?: RateShape | null;
  /** Anything the developer wants kept with it. */
  metadata?: Record<string, unknown>;
}

/** Every tier of the project. */
export interface TierList {
  tiers: TierView[];
}

/** A tier. `price` is in the currency's minor unit, per `billingInterval`; `limit` per `interval`. */
export interface TierView {
  name: string;
  displayName: string;
  price: number;
  currency: string;
  limit: number | "unlimited";
  interval: Interval | null;
  rate: RateView | null;
  priceId: string | null;
  productId: string | null;
  features: string[];
  popular: boolean;
  trialDays: number;
  overage: OverageShape | null;
  billingInterval: Interval;
}

/** What use beyond the limit costs: `price` for each `per` units. */
export interface OverageShape {
  /** In the currency's minor unit. */
  price: number;
  per?: number;
}

/** A tier to create. */
export interface NewTier {
  displayName?: string;
  /** In the currency's minor unit. */
  price?: number;
  /** ISO 4217, in lower case. */
  currency?: string;
  limit?: number | "unlimited";
  interval?: "day" | "hour" | "lifetime" | "minute" | "month" | "second" | "week" | "year" | null;
  rate?: RateShape | null;
  priceId?: string | null;
  productId?: string | null;
  features?: string[];
  popular?: boolean;
  trialDays?: number;
  overage?: OverageShape | null;
  billingInterval?: "month" | "year";
  /** What customers' `plan` says. */
  name: string;
}

/** A tier but for its name: `limit` units per `interval`, `null`: they are not counted. `price` is for each `billingInterval` that the payment provider bills. With `overage`, units beyond the limit are counted and paid for, and not refused. */
export interface TierValues {
  displayName?: string;
  /** In the currency's minor unit. */
  price?: number;
  /** ISO 4217, in lower case. */
  currency?: string;
  limit?: number | "unlimited";
  interval?: "day" | "hour" | "lifetime" | "minute" | "month" | "second" | "week" | "year" | null;
  rate?: RateShape | null;
  priceId?: string | null;
  productId?: string | null;
  features?: string[];
  popular?: boolean;
  trialDays?: number;
  overage?: OverageShape | null;
  billingInterval?: "month" | "year";
}

/** Every product of the project. */
export interface ProductList {
  products: ProductView[];
}

/** A product. `soldOut` is true too where nothing is left. */
export interface ProductView {
  id: string;
  name: string;
  displayName: string;
  description: string;
  price: number;
  currency: string;
  imageUrl: string | null;
  inventory: number | null;
  soldOut: boolean;
  priceId: string | null;
  productId: string | null;
  features: string[];
  createdAt: string;
}

/** A product. `inventory` `null`: its units are not counted. `soldOut` holds whatever is left. */
export interface ProductValues {
  name: string;
  /** In the currency's minor unit. */
  price: number;
  displayName?: string;
  description?: string;
  /** ISO 4217, in lower case. */
  currency?: string;
  imageUrl?: string | null;
  inventory?: number | null;
  soldOut?: boolean;
  features?: string[];
  priceId?: string | null;
  productId?: string | null;
}

/** A tier to subscribe to, and where to come back to: URLs of the project's origins. */
export interface CheckoutRequest {
  /** The name of a tier of the project. */
  tier: string;
  successUrl?: string | null;
  cancelUrl?: string | null;
}

/** Where to send the customer, and what it comes to that they chose this tier. `change` is `checkout` if they have to pay first, on the page `url`. For one who pays already there is no session, and `url` is where they come back to: the change is made `now`, or will be at `effectiveAt` (`period_end`), or what they have goes on, and nothing is scheduled (`kept`). */
export interface CheckoutAnswer {
  url: string;
  sessionId: string | null;
  change: "checkout" | "kept" | "now" | "period_end";
  effectiveAt: string | null;
}

/** Where to come back to: a URL of the project's origins. */
export interface PortalRequest {
  returnUrl?: string | null;
}

/** The page to send the customer to. */
export interface PortalAnswer {
  url: string;
}

/** Which events to deal with again, by the provider's ids; without any, all that failed. */
export interface EventReplay {
  eventIds?: string[] | null;
}

/** How many messages are on their way. */
export interface Replayed {
  success: true;
  replayed: number;
}

/** Products to pay for, all in one currency, and where to come back to. */
export interface CartRequest {
  items: CartItem[];
  email?: string | null;
  successUrl?: string | null;
  cancelUrl?: string | null;
}

/** So many of a product, which is named by its price. */
export interface CartItem {
  /** A product's `priceId`. */
  priceId: string;
  quantity?: number;
}

/** The page to send the buyer to, and until when the stock is held for them. */
export interface CartAnswer {
  url: string;
  sessionId: string;
  orderId: string;
  expiresAt: string;
}

/** A page of orders, newest first. */
export interface OrderPage {
  data: OrderView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** An order. `customerId` is `null` for a guest; `refunded` is what went back of `amount`. */
export interface OrderView {
  id: string;
  status: "disputed" | "expired" | "failed" | "open" | "paid" | "paying" | "refunded";
  amount: number;
  refunded: number;
  currency: string;
  customerId: string | null;
  email: string | null;
  lines: OrderLineView[];
  paymentId: string | null;
  createdAt: string;
  expiresAt: string;
  settledAt: string | null;
}

/** So many of a product, at the price it had. */
export interface OrderLineView {
  productId: string;
  name: string;
  quantity: number;
  unitAmount: number;
}

/** Whether the provider has the catalogue as it is here; `fault` is why not. */
export interface CatalogueView {
  status: "done" | "failed" | "never" | "pending";
  fault: string | null;
  pushedAt: string | null;
  onSale: ListingView[];
}

/** What new buyers get. `ref` is the tier's name or the product's id. */
export interface ListingView {
  kind: "overage" | "product" | "tier";
  ref: string;
  priceId: string;
  productId: string;
  amount: number;
  currency: string;
  interval: Interval | null;
}

/** What is otherwise at the provider than here, asked for right now. */
export interface DriftReport {
  drift: DriftView[];
}

/** What is otherwise at the provider: `missing`, `unwanted`, or `different` in some fields. */
export interface DriftView {
  kind: "overage" | "product" | "tier";
  ref: string;
  problem: "different" | "missing" | "unwanted";
  fields: string[];
}

/** Which account to connect, where the provider sends the developer back to, and where we do. `redirectUrl` has to be known to the provider; without one it is this service's own `/oauth/callback`, which then goes on to `returnUrl`. */
export interface ConnectRequest {
  mode: "live" | "test";
  returnUrl?: string | null;
  redirectUrl?: string | null;
}

/** The provider's page to send the developer to, once, until `expiresAt`. */
export interface ConnectAnswer {
  url: string;
  state: string;
  expiresAt: string;
}

/** A platform's account at the provider. Without `charges` it cannot take money yet. */
export interface ConnectionView {
  mode: Mode;
  accountId: string;
  status: "active" | "deauthorized" | "onboarding";
  charges: boolean;
  changedAt: string;
}

/** Whether a project's keys and data are for trying out or for real; the two share nothing. */
export type Mode = "live" | "test";

/** What the provider sent the developer back with. */
export interface CallbackRequest {
  code: string;
  state: string;
}

/** A platform's accounts, at most one for each mode. */
export interface ConnectionList {
  connections: ConnectionView[];
}

/** Where the provider sends the developer when they are done, and when the link was used up. */
export interface OnboardingRequest {
  /** An http or https URL (RFC 3986). */
  returnUrl: string;
  /** An http or https URL (RFC 3986). */
  refreshUrl: string;
}

/** The provider's page where the developer completes the account; it works once. */
export interface OnboardingAnswer {
  accountId: string;
  url: string;
  expiresAt: string;
}

/** Every endpoint of the project, oldest first. */
export interface EndpointList {
  endpoints: EndpointView[];
}

/** An endpoint, without its secret. `error` says why the gateway disabled it. `failingSince` is the first failure since the last delivery. Messages are signed with the secret before this one, too, until `previousSecretUntil`. */
export interface EndpointView {
  id: string;
  url: string;
  description: string;
  types: string[];
  status: EndpointStatus;
  error: string | null;
  failingSince: string | null;
  previousSecretUntil: string | null;
  createdAt: string;
}

/** Whether an endpoint is sent to. One that is disabled gets what it missed by a replay. */
export type EndpointStatus = "disabled" | "enabled";

/** Where to send messages: an https URL that anybody could reach. */
export interface NewEndpoint {
  /** An http or https URL (RFC 3986). */
  url: string;
  /** What it is told; empty: all. */
  types?: ("customer.created" | "key.revoked" | "subscription.changed" | "usage.threshold")[];
  description?: string;
}

/** An endpoint with a new secret, which is shown here and never again (`replayed`: not again). */
export interface EndpointSecret {
  id: string;
  url: string;
  description: string;
  types: string[];
  status: EndpointStatus;
  error: string | null;
  failingSince: string | null;
  previousSecretUntil: string | null;
  createdAt: string;
  secret?: string | null;
  replayed?: boolean;
}

/** What to change of an endpoint; what is left out stays as it is. An endpoint that is disabled is sent nothing; what it missed can be replayed. */
export interface EndpointChange {
  /** An http or https URL (RFC 3986). */
  url?: string;
  /** What it is told; empty: all. */
  types?: ("customer.created" | "key.revoked" | "subscription.changed" | "usage.threshold")[];
  description?: string;
  status?: "disabled" | "enabled";
}

/** For how many seconds messages are signed with the old secret as well. */
export interface SecretRotation {
  graceSeconds?: number;
}

/** The message that is on its way. */
export interface Queued {
  success: true;
  messageId: string;
}

/** What to send again: these messages whatever became of them, or what was missed in a time. With nothing said, whatever was missed of what is kept. */
export interface Replay {
  messageIds?: string[] | null;
  since?: string | null;
  until?: string | null;
}

/** A page of messages, newest first. */
export interface MessagePage {
  data: MessageView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** A message: `payload` is what is posted, and `id` its `webhook-id`. */
export interface MessageView {
  id: string;
  type: string;
  createdAt: string;
  payload: Record<string, unknown>;
  deliveries: DeliveryView[];
}

/** How a message fares at one endpoint. `responseStatus` is of the last answer, if any came. */
export interface DeliveryView {
  endpointId: string;
  status: DispatchStatus;
  attempts: number;
  lastAttemptAt: string | null;
  nextAttemptAt: string | null;
  responseStatus: number | null;
  error: string | null;
}

/** What became of a message on its way to one endpoint. */
export type DispatchStatus = "delivered" | "failed" | "pending";

/** What the developer's platform is to be called; the name it has stays without one. */
export interface SignUp {
  name?: string | null;
}

/** A platform, and what the caller may do with it; the operator is no developer. */
export interface PlatformAnswer {
  platform: PlatformView;
  developer: DeveloperView | null;
  role: Role;
}

/** A platform: one developer's business, apart from every other's. The operator's word is `suspended`; `unpaid` is that its plan is not paid. Either has it refused. */
export interface PlatformView {
  id: string;
  name: string;
  suspended: boolean;
  unpaid: boolean;
  createdAt: string;
}

/** The developer who asks. */
export interface DeveloperView {
  id: string;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  createdAt: string;
}

/** What a developer may do with a platform: each may do what those before it may. A member looks; an admin changes projects and keys; an owner decides about members too. */
export type Role = "admin" | "member" | "owner";

/** What the platform is to be called. */
export interface PlatformChange {
  name: string;
}

/** Every platform that the developer has a part in, the one they had for longest first. */
export interface StandingList {
  data: StandingView[];
}

/** A platform that the developer has a part in. */
export interface StandingView {
  platform: PlatformView;
  role: Role;
}

/** A page of the audit log, newest first. */
export interface AuditPage {
  data: AuditView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** One change: who (`actor`, an id) did what (`action`) to what (`object`, an id). */
export interface AuditView {
  at: string;
  actor: string;
  action: string;
  object: string;
  projectId: string | null;
  requestId: string | null;
  details: Record<string, unknown>;
}

/** What the platform pays the operator for its plan. `status` is the payment provider's word, `null` before the first payment. While it is not `paid`, the platform is served until `graceUntil`; once it is `unpaid`, its keys are refused. */
export interface PlanView {
  required: boolean;
  paid: boolean;
  unpaid: boolean;
  status: string | null;
  currentPeriodEnd: string | null;
  cancelAt: string | null;
  graceUntil: string | null;
}

/** Where to come back to, at the dashboard or the `frontend_url`, which is also the default. */
export interface PlanRequest {
  successUrl?: string | null;
  cancelUrl?: string | null;
}

/** The page on which the plan is paid. */
export interface PlanAnswer {
  url: string;
  sessionId: string;
}

/** Where to come back to: likewise. */
export interface PlanPortalRequest {
  returnUrl?: string | null;
}

/** The page on which the platform sees and changes what it pays. */
export interface PlanPortalAnswer {
  url: string;
}

/** A page of members, oldest first. */
export interface MemberPage {
  data: MemberView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** A member. `developerId` is `null` until the one who was invited signs in. */
export interface MemberView {
  id: string;
  developerId: string | null;
  email: string | null;
  role: Role;
  createdAt: string;
}

/** Whom to let in, as soon as they sign in with this address, verified. */
export interface Invitation {
  email: string;
  role: Role;
}

/** What the member may do from now on. */
export interface MemberChange {
  role: Role;
}

/** A project to create. `defaultTier` names the tier that new customers are on, once it is there. */
export interface NewProject {
  name: string;
  type?: ProjectType;
  mode?: Mode;
  /** What customers' `plan` says. */
  defaultTier?: string;
  alignment?: Alignment;
  origins?: string[];
  branding?: BrandingShape;
}

/** What a project sells: access by subscription, or products. */
export type ProjectType = "saas" | "store";

/** Where a customer's periods start: at the anniversary of their start, or with the calendar. */
export type Alignment = "anniversary" | "calendar";

/** How the project's own pages look. */
export interface BrandingShape {
  displayName?: string;
  /** `#rrggbb` by use: `primary`, `background`, `text`. */
  colours?: Record<string, string>;
  logoUrl?: string | null;
}

/** A project just made. `secretKey` is shown here and never again. There is none in a replay of the request (`replayed`), or where the project was there before. */
export interface ProjectAnswer {
  project: ProjectView;
  secretKey?: string | null;
  replayed?: boolean;
}

/** A project. `promotedFrom` is the test project that a live one was made from. */
export interface ProjectView {
  id: string;
  platformId: string;
  name: string;
  type: ProjectType;
  mode: Mode;
  defaultTier: string;
  alignment: Alignment;
  publishableKey: string | null;
  origins: string[];
  branding: BrandingShape;
  promotedFrom: string | null;
  suspended: boolean;
  createdAt: string;
  deletedAt: string | null;
}

/** A page of projects, oldest first. */
export interface ProjectPage {
  data: ProjectView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** What to change of a project; what is left out stays as it is. */
export interface ProjectChange {
  name?: string;
  type?: ProjectType;
  /** What customers' `plan` says. */
  defaultTier?: string;
  alignment?: Alignment;
  origins?: string[];
  branding?: BrandingShape;
}

/** A page of the project's own keys, oldest first, revoked ones too. */
export interface CredentialPage {
  data: CredentialView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** One of the project's own keys. `masked` is what people can tell it by. `lastUsedAt` is of a secret key, and true to about a minute. */
export interface CredentialView {
  keyId: string;
  kind: "pk" | "sk";
  name: string;
  masked: string;
  status: KeyStatus;
  expiresAt: string | null;
  createdAt: string;
  lastUsedAt: string | null;
}

/** A secret key to create. */
export interface NewCredential {
  name?: string;
  expiresAt?: string | null;
}

/** A key just made. `key` is shown here and never again; a replay (`replayed`) has none. */
export interface CredentialSecret {
  keyId: string;
  kind: "pk" | "sk";
  name: string;
  masked: string;
  status: KeyStatus;
  expiresAt: string | null;
  createdAt: string;
  lastUsedAt: string | null;
  key?: string | null;
  replayed?: boolean;
}

/** A page of platforms, oldest first. */
export interface PlatformPage {
  data: PlatformView[];
  nextCursor: string | null;
  hasMore: boolean;
}

/** How a project does, and a page of its customers, oldest first. */
export interface Dashboard {
  metrics: FiguresView;
  customers: CustomerUsageView[];
  nextCursor: string | null;
  hasMore: boolean;
  tiers: TierView[];
  keys: KeysView;
  webhook: WebhookView;
}

/** How a project does. The period is the calendar's month (UTC), so far. `mrr` is the monthly recurring revenue of active subscriptions that are not to end, in `currency`: the one that brings in most; `mrrByCurrency` has all. `activeSubs`, `cancelingSubs`, `trialingSubs` and `pastDueSubs` count each subscription once. Sales are of orders that were paid, less refunds. */
export interface FiguresView {
  customers: number;
  activeCustomers: number;
  activeSubs: number;
  cancelingSubs: number;
  trialingSubs: number;
  pastDueSubs: number;
  mrr: number;
  currency: string;
  mrrByCurrency: AmountView[];
  usageThisPeriod: number;
  requestsThisPeriod: number;
  deniedThisPeriod: number;
  storeSalesCount: number;
  storeTotalRevenue: number;
  storeCurrency: string;
  storeRevenueByCurrency: AmountView[];
  periodStart: string;
}

/** An amount in one currency. */
export interface AmountView {
  currency: string;
  amount: number;
}

/** A customer with their usage and newest subscription; `status` is `none` without one. `userId` is the developer's own id of them. */
export interface CustomerUsageView {
  id: string;
  userId: string;
  email: string | null;
  plan: string;
  suspended: boolean;
  status: string;
  usageCount: number;
  limit: number | "unlimited";
  periodStart: string | null;
  periodEnd: string | null;
  currentPeriodEnd: string | null;
  cancelAt: string | null;
  canceledAt: string | null;
  subscriptionId: string | null;
  stripeCustomerId: string | null;
  priceId: string | null;
  amount: number | null;
  currency: string | null;
  createdAt: string;
}

/** The project's keys; secret ones are masked. `stripeAccountId` is the connected account. */
export interface KeysView {
  publishableKey: string | null;
  secretKeyMasked: string | null;
  platformId: string;
  apiKeys: MaskedKeyView[];
  stripeAccountId: string | null;
}

/** A key of the project's own, as much as may be shown of it. */
export interface MaskedKeyView {
  keyId: string;
  kind: string;
  name: string;
  masked: string;
  status: string;
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
}

/** The newest events of the payment provider. */
export interface WebhookView {
  lastEventAt: string | null;
  recent: EventView[];
}

/** An event that the payment provider sent, and what became of it. */
export interface EventView {
  id: string;
  type: string;
  status: string;
  createdAt: string;
  receivedAt: string;
  fault: string | null;
}

/** How projects do, each and together: those of test mode are never added to those that are live. */
export interface Totals {
  projects: ProjectFigures[];
  live: FiguresView;
  test: FiguresView;
}

/** How one project does. */
export interface ProjectFigures {
  id: string;
  name: string;
  mode: Mode;
  type: ProjectType;
  metrics: FiguresView;
}

/** A series without gaps: a span in which nothing happened has its point too. */
export interface SeriesView {
  metric: string;
  unit: string;
  granularity: Granularity;
  points: PointView[];
}

/** How long the spans are that are added up. Projects have no months, customers only long ones. */
export type Granularity = "day" | "hour" | "minute" | "month";

/** What was counted in the span that begins at `start`. `byCode` tells refusals by their error's code. `p50`, `p95` and `p99` are seconds until the answer of the API began, of a sample of requests that `value` is the size of. */
export interface PointView {
  start: string;
  value: number;
  byCode?: Record<string, number> | null;
  p50?: number | null;
  p95?: number | null;
  p99?: number | null;
}

/** How the gateway does: all platforms together, the parts of this worker, and every worker. */
export interface Overview {
  platforms: number;
  suspendedPlatforms: number;
  projects: number;
  live: FiguresView;
  test: FiguresView;
  denied: Record<string, number>;
  parts: Record<string, PartHealth>;
  workers: WorkerView[];
}

/** Whether a part of the worker that answers works; `detail` says why not. */
export interface PartHealth {
  ok: boolean;
  detail: string | null;
}

/** What a worker said of itself at `at`: counters on lease, units it holds, its upstreams. */
export interface WorkerView {
  worker: string;
  at: string;
  leases: number;
  leasedUnits: number;
  upstreams: UpstreamView[];
}

/** How an upstream does, as one worker sees it: over the last minute or two. `p50` and `p95` are seconds until answers began, of `sampled` requests; `errors` answers of 500 and up; `failures` connections that could not be made, or broke off. */
export interface UpstreamView {
  url: string;
  connections: number;
  pending: number;
  waiting: number;
  ejected: boolean;
  sampled: number;
  errors: number;
  failures: number;
  p50: number | null;
  p95: number | null;
}

/** A one-time code. `redirectUrl`, if given, must be where it was sent to. */
export interface CodeToExchange {
  code: string;
  redirectUrl?: string | null;
}

/** An access token, until when it holds, and whose it is. */
export interface SignedInView {
  token: string;
  tokenType: string;
  expiresAt: string;
  userId: string;
  email: string;
}

/** The process answers. */
export interface Alive {
  status: "ok";
}

/** Whether this worker can serve, and which part of it cannot. */
export interface Readiness {
  ready: boolean;
  parts: Record<string, Part>;
}

/** One thing the gateway needs. */
export interface Part {
  ok: boolean;
  detail?: string | null;
}

/** An OpenAPI 3.1 document. */
export interface Document {
  openapi: string;
  info: Record<string, unknown>;
  paths: Record<string, unknown>;
  components: Record<string, unknown>;
}

export interface UsageMethods {
  /** Charge a user for a request: `POST /api/data`. */
  track(input?: TrackRequest & { userId?: string; plan?: string; idempotencyKey?: string }, options?: Options): Promise<TrackAnswer>;
  /** Tell a user's usage of the current period: `GET /api/usage`. */
  check(input?: { userId?: string }, options?: Options): Promise<UsageView>;
  /** Record usage events, each all or nothing on its own: `POST /api/usage/batch`. */
  batch(input: BatchRequest, options?: Options): Promise<BatchAnswer>;
  /** Take back a recorded event, or a part of it: `POST /api/usage/{eventId}/void`. */
  void(eventId: string, input?: VoidRequest & { idempotencyKey?: string }, options?: Options): Promise<VoidAnswer>;
}

export interface CustomersMethods {
  /** Create a customer: `POST /api/customers`. */
  create(input: NewCustomer, options?: Options): Promise<CustomerAnswer>;
  /** List customers, oldest first: `GET /api/customers`. */
  list(input?: { limit?: number; cursor?: string | null; externalId?: string | null }, options?: Options): Listing<CustomerView, CustomerPage>;
  /** Show a customer: `GET /api/customers/{id}`. */
  get(id: string, options?: Options): Promise<CustomerAnswer>;
  /** Change a customer: `PATCH /api/customers/{id}`. */
  update(id: string, input?: CustomerChange, options?: Options): Promise<CustomerAnswer>;
  /** Delete a customer; their keys stop working: `DELETE /api/customers/{id}`. */
  delete(id: string, options?: Options): Promise<void>;
}

export interface KeysMethods {
  /** Create a key; its secret is shown only here: `POST /api/customers/{id}/keys`. */
  create(id: string, input?: NewKey, options?: Options): Promise<KeySecret>;
  /** List a customer's keys, oldest first: `GET /api/customers/{id}/keys`. */
  list(id: string, input?: { limit?: number; cursor?: string | null }, options?: Options): Listing<KeyView, KeyPage>;
  /** Show a key: `GET /api/keys/{keyId}`. */
  get(keyId: string, options?: Options): Promise<KeyView>;
  /** Change a key: `PATCH /api/keys/{keyId}`. */
  update(keyId: string, input?: KeyChange, options?: Options): Promise<KeyView>;
  /** Give a key a new secret: `POST /api/keys/{keyId}/rotate`. */
  rotate(keyId: string, input?: Rotation, options?: Options): Promise<KeySecret>;
  /** Revoke a key for good: `DELETE /api/keys/{keyId}`. */
  delete(keyId: string, options?: Options): Promise<void>;
}

export interface TiersMethods {
  /** List the project's tiers: `GET /api/tiers`. */
  list(options?: Options): Promise<TierList>;
  /** Show a tier: `GET /api/tiers/{name}`. */
  get(name: string, options?: Options): Promise<TierView>;
  /** Create a tier: `POST /api/tiers`. */
  create(input: NewTier, options?: Options): Promise<TierView>;
  /** Replace a tier; usage stays, and the new limit holds at once: `PUT /api/tiers/{name}`. */
  update(name: string, input?: TierValues, options?: Options): Promise<TierView>;
  /** Remove a tier that nobody is on: `DELETE /api/tiers/{name}`. */
  delete(name: string, options?: Options): Promise<void>;
}

export interface ProductsMethods {
  /** List the project's tiers: `GET /api/tiers`. */
  listTiers(options?: Options): Promise<TierList>;
  /** List the project's products: `GET /api/products`. */
  list(options?: Options): Promise<ProductList>;
  /** Show a product: `GET /api/products/{id}`. */
  get(id: string, options?: Options): Promise<ProductView>;
  /** Create a product: `POST /api/products`. */
  create(input: ProductValues, options?: Options): Promise<ProductView>;
  /** Replace a product: `PUT /api/products/{id}`. */
  update(id: string, input: ProductValues, options?: Options): Promise<ProductView>;
  /** Delete a product: `DELETE /api/products/{id}`. */
  delete(id: string, options?: Options): Promise<void>;
  /** Pay for products; the stock is held until that is paid or expires: `POST /api/cart/checkout`. */
  cartCheckout(input: CartRequest & { userId?: string }, options?: Options): Promise<CartAnswer>;
}

export interface BillingMethods {
  /** Begin a subscription to a tier; the price is the tier's: `POST /api/create-checkout`. */
  createCheckout(input: CheckoutRequest & { userId?: string }, options?: Options): Promise<CheckoutAnswer>;
  /** Open the page where a customer changes what they pay for: `POST /api/customer-portal`. */
  openPortal(input?: PortalRequest & { userId?: string }, options?: Options): Promise<PortalAnswer>;
}

export interface OrdersMethods {
  /** List orders, newest first: `GET /api/orders`. */
  list(input?: { limit?: number; cursor?: string | null }, options?: Options): Listing<OrderView, OrderPage>;
  /** Show an order: `GET /api/orders/{id}`. */
  get(id: string, options?: Options): Promise<OrderView>;
}

export interface DashboardMethods {
  /** Tell how a project does, with a page of its customers, oldest first: `GET /api/dashboard`. */
  get(input?: { limit?: number; cursor?: string | null }, options?: Options): Promise<Dashboard>;
  /** Tell how a platform's projects do; with a secret key, its own project alone: `GET /api/dashboard/totals`. */
  getTotals(options?: Options): Promise<Totals>;
  /** Tell what was counted of a project, span by span: `GET /api/dashboard/series`. */
  getSeries(input?: { metric?: "denied" | "latency" | "refunded" | "requests" | "units"; granularity?: "day" | "hour" | "minute"; from?: string | null; to?: string | null }, options?: Options): Promise<SeriesView>;
}

export interface AuthMethods {
  /** Exchange the code of a sign-in for the user's token: `POST /api/auth/exchange`. */
  exchange(input: CodeToExchange, options?: Options): Promise<SignedInView>;
}

export interface WebhookEndpointsMethods {
  /** List the project's webhook endpoints: `GET /api/webhook-endpoints`. */
  list(options?: Options): Promise<EndpointList>;
  /** Create a webhook endpoint; its secret is shown only here: `POST /api/webhook-endpoints`. */
  create(input: NewEndpoint, options?: Options): Promise<EndpointSecret>;
  /** Show a webhook endpoint: `GET /api/webhook-endpoints/{id}`. */
  get(id: string, options?: Options): Promise<EndpointView>;
  /** Change a webhook endpoint, or enable it again: `PATCH /api/webhook-endpoints/{id}`. */
  update(id: string, input?: EndpointChange, options?: Options): Promise<EndpointView>;
  /** Delete a webhook endpoint; what is on its way there is given up: `DELETE /api/webhook-endpoints/{id}`. */
  delete(id: string, options?: Options): Promise<void>;
  /** Give a webhook endpoint a new secret; the old one signs as well for a while: `POST /api/webhook-endpoints/{id}/rotate`. */
  rotate(id: string, input?: SecretRotation, options?: Options): Promise<EndpointSecret>;
  /** Send a webhook endpoint a message to try it: `POST /api/webhook-endpoints/{id}/test`. */
  test(id: string, options?: Options): Promise<Queued>;
  /** Send a webhook endpoint messages again, or what it missed: `POST /api/webhook-endpoints/{id}/replay`. */
  replay(id: string, input?: Replay, options?: Options): Promise<Replayed>;
}

export interface WebhookMessagesMethods {
  /** List webhook messages and their deliveries, newest first: `GET /api/webhook-messages`. */
  list(input?: { limit?: number; cursor?: string | null; type?: string | null; endpointId?: string | null; status?: "delivered" | "failed" | "pending" | null }, options?: Options): Listing<MessageView, MessagePage>;
  /** Show a webhook message and its deliveries: `GET /api/webhook-messages/{id}`. */
  get(id: string, options?: Options): Promise<MessageView>;
}

export interface PlatformMethods {
  /** Register with a platform of one's own; any first call does: `POST /platform/sign-up`. */
  signUp(input?: SignUp, options?: Options): Promise<PlatformAnswer>;
  /** Show the platform, and who asks: `GET /platform`. */
  get(options?: Options): Promise<PlatformAnswer>;
  /** Rename the platform: `PATCH /platform`. */
  update(input: PlatformChange, options?: Options): Promise<PlatformAnswer>;
  /** List the platforms that the developer has a part in: `GET /platform/platforms`. */
  list(options?: Options): Promise<StandingList>;
  /** List what was changed, newest first: `GET /platform/audit`. */
  audit(input?: { limit?: number; cursor?: string | null }, options?: Options): Listing<AuditView, AuditPage>;
  /** Show what the platform pays for its own plan: `GET /platform/subscription`. */
  getSubscription(options?: Options): Promise<PlanView>;
  /** Begin to pay for the platform's own plan: `POST /platform/subscription`. */
  createCheckout(input?: PlanRequest, options?: Options): Promise<PlanAnswer>;
  /** Open the page where the platform's own plan is changed: `POST /platform/billing-portal`. */
  openPortal(input?: PlanPortalRequest, options?: Options): Promise<PlanPortalAnswer>;
}

export interface MembersMethods {
  /** List members, oldest first: `GET /platform/members`. */
  list(input?: { limit?: number; cursor?: string | null }, options?: Options): Listing<MemberView, MemberPage>;
  /** Let somebody in by their e-mail address: `POST /platform/members`. */
  create(input: Invitation, options?: Options): Promise<MemberView>;
  /** Change what a member may do: `PATCH /platform/members/{memberId}`. */
  update(memberId: string, input: MemberChange, options?: Options): Promise<MemberView>;
  /** Remove a member: `DELETE /platform/members/{memberId}`. */
  delete(memberId: string, options?: Options): Promise<void>;
}

export interface ProjectsMethods {
  /** List projects, oldest first: `GET /platform/projects`. */
  list(input?: { limit?: number; cursor?: string | null; deleted?: boolean }, options?: Options): Listing<ProjectView, ProjectPage>;
  /** Create a project; its secret key is shown only here: `POST /platform/projects`. */
  create(input: NewProject, options?: Options): Promise<ProjectAnswer>;
  /** Show a project: `GET /platform/projects/{projectId}`. */
  get(projectId: string, options?: Options): Promise<ProjectView>;
  /** Change a project: `PATCH /platform/projects/{projectId}`. */
  update(projectId: string, input?: ProjectChange, options?: Options): Promise<ProjectView>;
  /** Delete a project; its keys stop at once: `DELETE /platform/projects/{projectId}`. */
  delete(projectId: string, options?: Options): Promise<void>;
  /** Bring a deleted project back, with its keys as they were: `POST /platform/projects/{projectId}/restore`. */
  restore(projectId: string, options?: Options): Promise<ProjectView>;
  /** Make a test project's live project like it, with keys of its own: `POST /platform/projects/{projectId}/promote`. */
  promote(projectId: string, options?: Options): Promise<ProjectAnswer>;
  /** Deal again with events of the payment provider that failed: `POST /platform/projects/{projectId}/payment-events/replay`. */
  replayPaymentEvents(projectId: string, input?: EventReplay, options?: Options): Promise<Replayed>;
}

export interface CredentialsMethods {
  /** List the project's own keys, oldest first: `GET /platform/projects/{projectId}/credentials`. */
  list(projectId: string, input?: { limit?: number; cursor?: string | null }, options?: Options): Listing<CredentialView, CredentialPage>;
  /** Create a secret key; it is shown only here: `POST /platform/projects/{projectId}/credentials`. */
  create(projectId: string, input?: NewCredential, options?: Options): Promise<CredentialSecret>;
  /** Make a secret key that takes this one's place: `POST /platform/projects/{projectId}/credentials/{keyId}/rotate`. */
  rotate(projectId: string, keyId: string, input?: Rotation, options?: Options): Promise<CredentialSecret>;
  /** Revoke a key for good: `DELETE /platform/projects/{projectId}/credentials/{keyId}`. */
  delete(projectId: string, keyId: string, options?: Options): Promise<void>;
  /** Give the project another publishable key: `POST /platform/projects/{projectId}/publishable-key/rotate`. */
  rotatePublishableKey(projectId: string, input?: Rotation, options?: Options): Promise<CredentialSecret>;
}

export interface CatalogueMethods {
  /** Show what is on sale at the payment provider, and whether it is all of it: `GET /platform/projects/{projectId}/catalogue`. */
  get(projectId: string, options?: Options): Promise<CatalogueView>;
  /** Have on sale at the payment provider what the project sells; repairs drift: `POST /platform/projects/{projectId}/catalogue`. */
  push(projectId: string, options?: Options): Promise<CatalogueView>;
  /** Ask the payment provider what it has otherwise: `GET /platform/projects/{projectId}/catalogue/drift`. */
  getDrift(projectId: string, options?: Options): Promise<DriftReport>;
}

export interface ConnectionsMethods {
  /** Show the platform's accounts: `GET /platform/connections`. */
  list(options?: Options): Promise<ConnectionList>;
  /** Begin to connect an account that the developer has: `POST /oauth/authorize`. */
  authorize(input: ConnectRequest, options?: Options): Promise<ConnectAnswer>;
  /** End it with the token of the developer who began it: `POST /oauth/callback`. */
  complete(input: CallbackRequest, options?: Options): Promise<ConnectionView>;
  /** Make an account for a developer who has none, or go on with theirs: `POST /platform/connections/{mode}/onboarding`. */
  onboard(mode: string, input: OnboardingRequest, options?: Options): Promise<OnboardingAnswer>;
  /** Ask the provider how the account is: `POST /platform/connections/{mode}/refresh`. */
  refresh(mode: string, options?: Options): Promise<ConnectionView>;
  /** Disconnect the account; what is known of it stays: `DELETE /platform/connections/{mode}`. */
  delete(mode: string, options?: Options): Promise<void>;
}

export interface OperatorMethods {
  /** Tell how the gateway does: platforms, stores, workers, upstreams: `GET /operator/overview`. */
  getOverview(options?: Options): Promise<Overview>;
  /** List platforms, oldest first: `GET /operator/platforms`. */
  listPlatforms(input?: { limit?: number; cursor?: string | null }, options?: Options): Listing<PlatformView, PlatformPage>;
  /** Refuse a platform's keys and changes, until it is resumed: `POST /operator/platforms/{platformId}/suspend`. */
  suspendPlatform(platformId: string, options?: Options): Promise<PlatformView>;
  /** Let a platform's keys work again: `POST /operator/platforms/{platformId}/resume`. */
  resumePlatform(platformId: string, options?: Options): Promise<PlatformView>;
}

export interface StatusMethods {
  /** Tell that the process is alive: `GET /health`. */
  health(options?: Options): Promise<Alive>;
  /** Tell whether this worker can serve: `GET /ready`. */
  ready(options?: Options): Promise<Readiness>;
}

export interface Resources {
  readonly usage: UsageMethods;
  readonly customers: CustomersMethods;
  readonly keys: KeysMethods;
  readonly tiers: TiersMethods;
  readonly products: ProductsMethods;
  readonly billing: BillingMethods;
  readonly orders: OrdersMethods;
  readonly dashboard: DashboardMethods;
  readonly auth: AuthMethods;
  readonly webhookEndpoints: WebhookEndpointsMethods;
  readonly webhookMessages: WebhookMessagesMethods;
  readonly platform: PlatformMethods;
  readonly members: MembersMethods;
  readonly projects: ProjectsMethods;
  readonly credentials: CredentialsMethods;
  readonly catalogue: CatalogueMethods;
  readonly connections: ConnectionsMethods;
  readonly operator: OperatorMethods;
  readonly status: StatusMethods;
  /** Check a customer key and charge its use: `POST /api/verify`. */
  verify(input: VerifyRequest, options?: Options): Promise<VerifyAnswer>;
}

/** The client's methods: what each calls, and who may. */
export const ROUTES: Readonly<Record<string, Route>> = {
  "usage.track": {"method": "POST", "path": "/api/data", "auth": ["secret", "user"], "fields": {"userId": "X-User-Id", "plan": "X-User-Plan", "idempotencyKey": "Idempotency-Key"}, "repeatable": "key", "takes": "body"},
  "usage.check": {"method": "GET", "path": "/api/usage", "auth": ["secret", "user"], "fields": {"userId": "X-User-Id"}, "takes": "query"},
  "usage.batch": {"method": "POST", "path": "/api/usage/batch", "auth": ["secret"], "repeatable": "always", "takes": "body"},
  "usage.void": {"method": "POST", "path": "/api/usage/{eventId}/void", "auth": ["secret"], "fields": {"idempotencyKey": "Idempotency-Key"}, "repeatable": "key", "takes": "body"},
  "verify": {"method": "POST", "path": "/api/verify", "auth": ["secret"], "takes": "body"},
  "customers.create": {"method": "POST", "path": "/api/customers", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "customers.list": {"method": "GET", "path": "/api/customers", "auth": ["secret", "platform", "operator"], "takes": "query", "pages": true},
  "customers.get": {"method": "GET", "path": "/api/customers/{id}", "auth": ["secret", "platform", "operator"]},
  "customers.update": {"method": "PATCH", "path": "/api/customers/{id}", "auth": ["secret", "platform", "operator"], "takes": "body"},
  "customers.delete": {"method": "DELETE", "path": "/api/customers/{id}", "auth": ["secret", "platform", "operator"]},
  "keys.create": {"method": "POST", "path": "/api/customers/{id}/keys", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "keys.list": {"method": "GET", "path": "/api/customers/{id}/keys", "auth": ["secret", "platform", "operator"], "takes": "query", "pages": true},
  "keys.get": {"method": "GET", "path": "/api/keys/{keyId}", "auth": ["secret", "platform", "operator"]},
  "keys.update": {"method": "PATCH", "path": "/api/keys/{keyId}", "auth": ["secret", "platform", "operator"], "takes": "body"},
  "keys.rotate": {"method": "POST", "path": "/api/keys/{keyId}/rotate", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "keys.delete": {"method": "DELETE", "path": "/api/keys/{keyId}", "auth": ["secret", "platform", "operator"]},
  "tiers.list": {"method": "GET", "path": "/api/tiers", "auth": ["secret", "publishable", "platform", "operator"]},
  "tiers.get": {"method": "GET", "path": "/api/tiers/{name}", "auth": ["secret", "publishable", "platform", "operator"]},
  "tiers.create": {"method": "POST", "path": "/api/tiers", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "tiers.update": {"method": "PUT", "path": "/api/tiers/{name}", "auth": ["secret", "platform", "operator"], "takes": "body"},
  "tiers.delete": {"method": "DELETE", "path": "/api/tiers/{name}", "auth": ["secret", "platform", "operator"]},
  "products.listTiers": {"method": "GET", "path": "/api/tiers", "auth": ["secret", "publishable", "platform", "operator"]},
  "products.list": {"method": "GET", "path": "/api/products", "auth": ["secret", "publishable", "platform", "operator"]},
  "products.get": {"method": "GET", "path": "/api/products/{id}", "auth": ["secret", "publishable", "platform", "operator"]},
  "products.create": {"method": "POST", "path": "/api/products", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "products.update": {"method": "PUT", "path": "/api/products/{id}", "auth": ["secret", "platform", "operator"], "takes": "body"},
  "products.delete": {"method": "DELETE", "path": "/api/products/{id}", "auth": ["secret", "platform", "operator"]},
  "products.cartCheckout": {"method": "POST", "path": "/api/cart/checkout", "auth": ["secret", "publishable"], "fields": {"userId": "X-User-Id"}, "repeatable": "key", "takes": "body"},
  "billing.createCheckout": {"method": "POST", "path": "/api/create-checkout", "auth": ["secret", "user"], "fields": {"userId": "X-User-Id"}, "repeatable": "always", "takes": "body"},
  "billing.openPortal": {"method": "POST", "path": "/api/customer-portal", "auth": ["secret", "user"], "fields": {"userId": "X-User-Id"}, "repeatable": "always", "takes": "body"},
  "orders.list": {"method": "GET", "path": "/api/orders", "auth": ["secret", "platform", "operator"], "takes": "query", "pages": true},
  "orders.get": {"method": "GET", "path": "/api/orders/{id}", "auth": ["secret", "platform", "operator"]},
  "dashboard.get": {"method": "GET", "path": "/api/dashboard", "auth": ["secret", "platform", "operator"], "takes": "query"},
  "dashboard.getTotals": {"method": "GET", "path": "/api/dashboard/totals", "auth": ["secret", "platform", "operator"]},
  "dashboard.getSeries": {"method": "GET", "path": "/api/dashboard/series", "auth": ["secret", "platform", "operator"], "takes": "query"},
  "auth.exchange": {"method": "POST", "path": "/api/auth/exchange", "auth": ["secret"], "takes": "body"},
  "webhookEndpoints.list": {"method": "GET", "path": "/api/webhook-endpoints", "auth": ["secret", "platform", "operator"]},
  "webhookEndpoints.create": {"method": "POST", "path": "/api/webhook-endpoints", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "webhookEndpoints.get": {"method": "GET", "path": "/api/webhook-endpoints/{id}", "auth": ["secret", "platform", "operator"]},
  "webhookEndpoints.update": {"method": "PATCH", "path": "/api/webhook-endpoints/{id}", "auth": ["secret", "platform", "operator"], "takes": "body"},
  "webhookEndpoints.delete": {"method": "DELETE", "path": "/api/webhook-endpoints/{id}", "auth": ["secret", "platform", "operator"]},
  "webhookEndpoints.rotate": {"method": "POST", "path": "/api/webhook-endpoints/{id}/rotate", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "webhookEndpoints.test": {"method": "POST", "path": "/api/webhook-endpoints/{id}/test", "auth": ["secret", "platform", "operator"], "repeatable": "key"},
  "webhookEndpoints.replay": {"method": "POST", "path": "/api/webhook-endpoints/{id}/replay", "auth": ["secret", "platform", "operator"], "repeatable": "key", "takes": "body"},
  "webhookMessages.list": {"method": "GET", "path": "/api/webhook-messages", "auth": ["secret", "platform", "operator"], "takes": "query", "pages": true},
  "webhookMessages.get": {"method": "GET", "path": "/api/webhook-messages/{id}", "auth": ["secret", "platform", "operator"]},
  "platform.signUp": {"method": "POST", "path": "/platform/sign-up", "auth": ["platform"], "repeatable": "key", "takes": "body"},
  "platform.get": {"method": "GET", "path": "/platform", "auth": ["platform", "operator"]},
  "platform.update": {"method": "PATCH", "path": "/platform", "auth": ["platform", "operator"], "takes": "body"},
  "platform.list": {"method": "GET", "path": "/platform/platforms", "auth": ["platform"]},
  "platform.audit": {"method": "GET", "path": "/platform/audit", "auth": ["platform", "operator"], "takes": "query", "pages": true},
  "platform.getSubscription": {"method": "GET", "path": "/platform/subscription", "auth": ["platform", "operator"]},
  "platform.createCheckout": {"method": "POST", "path": "/platform/subscription", "auth": ["platform", "operator"], "takes": "body"},
  "platform.openPortal": {"method": "POST", "path": "/platform/billing-portal", "auth": ["platform", "operator"], "takes": "body"},
  "members.list": {"method": "GET", "path": "/platform/members", "auth": ["platform", "operator"], "takes": "query", "pages": true},
  "members.create": {"method": "POST", "path": "/platform/members", "auth": ["platform", "operator"], "repeatable": "key", "takes": "body"},
  "members.update": {"method": "PATCH", "path": "/platform/members/{memberId}", "auth": ["platform", "operator"], "takes": "body"},
  "members.delete": {"method": "DELETE", "path": "/platform/members/{memberId}", "auth": ["platform", "operator"]},
  "projects.list": {"method": "GET", "path": "/platform/projects", "auth": ["platform", "operator"], "takes": "query", "pages": true},
  "projects.create": {"method": "POST", "path": "/platform/projects", "auth": ["platform", "operator"], "repeatable": "key", "takes": "body"},
  "projects.get": {"method": "GET", "path": "/platform/projects/{projectId}", "auth": ["platform", "operator"]},
  "projects.update": {"method": "PATCH", "path": "/platform/projects/{projectId}", "auth": ["platform", "operator"], "takes": "body"},
  "projects.delete": {"method": "DELETE", "path": "/platform/projects/{projectId}", "auth": ["platform", "operator"]},
  "projects.restore": {"method": "POST", "path": "/platform/projects/{projectId}/restore", "auth": ["platform", "operator"]},
  "projects.promote": {"method": "POST", "path": "/platform/projects/{projectId}/promote", "auth": ["platform", "operator"], "repeatable": "key"},
  "projects.replayPaymentEvents": {"method": "POST", "path": "/platform/projects/{projectId}/payment-events/replay", "auth": ["platform", "operator"], "takes": "body"},
  "credentials.list": {"method": "GET", "path": "/platform/projects/{projectId}/credentials", "auth": ["platform", "operator"], "takes": "query", "pages": true},
  "credentials.create": {"method": "POST", "path": "/platform/projects/{projectId}/credentials", "auth": ["platform", "operator"], "repeatable": "key", "takes": "body"},
  "credentials.rotate": {"method": "POST", "path": "/platform/projects/{projectId}/credentials/{keyId}/rotate", "auth": ["platform", "operator"], "repeatable": "key", "takes": "body"},
  "credentials.delete": {"method": "DELETE", "path": "/platform/projects/{projectId}/credentials/{keyId}", "auth": ["platform", "operator"]},
  "credentials.rotatePublishableKey": {"method": "POST", "path": "/platform/projects/{projectId}/publishable-key/rotate", "auth": ["platform", "operator"], "repeatable": "key", "takes": "body"},
  "catalogue.get": {"method": "GET", "path": "/platform/projects/{projectId}/catalogue", "auth": ["platform", "operator"]},
  "catalogue.push": {"method": "POST", "path": "/platform/projects/{projectId}/catalogue", "auth": ["platform", "operator"]},
  "catalogue.getDrift": {"method": "GET", "path": "/platform/projects/{projectId}/catalogue/drift", "auth": ["platform", "operator"]},
  "connections.list": {"method": "GET", "path": "/platform/connections", "auth": ["platform", "operator"]},
  "connections.authorize": {"method": "POST", "path": "/oauth/authorize", "auth": ["platform"], "takes": "body"},
  "connections.complete": {"method": "POST", "path": "/oauth/callback", "auth": ["platform"], "takes": "body"},
  "connections.onboard": {"method": "POST", "path": "/platform/connections/{mode}/onboarding", "auth": ["platform", "operator"], "takes": "body"},
  "connections.refresh": {"method": "POST", "path": "/platform/connections/{mode}/refresh", "auth": ["platform", "operator"]},
  "connections.delete": {"method": "DELETE", "path": "/platform/connections/{mode}", "auth": ["platform", "operator"]},
  "operator.getOverview": {"method": "GET", "path": "/operator/overview", "auth": ["operator"]},
  "operator.listPlatforms": {"method": "GET", "path": "/operator/platforms", "auth": ["operator"], "takes": "query", "pages": true},
  "operator.suspendPlatform": {"method": "POST", "path": "/operator/platforms/{platformId}/suspend", "auth": ["operator"]},
  "operator.resumePlatform": {"method": "POST", "path": "/operator/platforms/{platformId}/resume", "auth": ["operator"]},
  "status.health": {"method": "GET", "path": "/health", "auth": []},
  "status.ready": {"method": "GET", "path": "/ready", "auth": []},
};

/** What the gateway answers for each code of an error. */
export const PROBLEMS = {
  internal_error: { status: 500, title: "The gateway failed to handle this request." },
  missing_credential: { status: 401, title: "This request needs an API key." },
  invalid_credential: { status: 401, title: "The API key is not valid." },
  forbidden: { status: 403, title: "This credential may not do that." },
  insufficient_scope: { status: 403, title: "The API key lacks a scope this request needs." },
  ip_denied: { status: 403, title: "The API key may not be used from this address." },
  platform_suspended: { status: 403, title: "This API's platform is suspended." },
  customer_suspended: { status: 403, title: "This customer is suspended." },
  tenant_mismatch: { status: 403, title: "The token is not for this project." },
  unknown_tier: { status: 403, title: "The customer's tier does not exist." },
  quota_exceeded: { status: 429, title: "The quota of this period is used up." },
  rate_limited: { status: 429, title: "Requests come faster than the rate limit allows." },
  bad_request: { status: 400, title: "The request cannot be read." },
  invalid_code: { status: 400, title: "The code is unknown, used, expired, or not of this project." },
  invalid_request: { status: 422, title: "The request has invalid values." },
  not_found: { status: 404, title: "There is no such thing here." },
  method_not_allowed: { status: 405, title: "This path does not support the method." },
  conflict: { status: 409, title: "The request conflicts with what is there." },
  idempotency_conflict: { status: 409, title: "The idempotency key was used for a different request." },
  void_exceeds_event: { status: 409, title: "An event cannot be undone by more than it charged." },
  idempotency_mismatch: { status: 422, title: "The idempotency key was used with different parameters." },
  precondition_failed: { status: 412, title: "It was changed meanwhile." },
  body_too_large: { status: 413, title: "The request body is too large." },
  head_too_large: { status: 431, title: "The request's header fields are too large." },
  request_timeout: { status: 408, title: "The request did not arrive in time." },
  unknown_transfer_coding: { status: 501, title: "The gateway takes bodies in the transfer coding chunked, and no other." },
  upstream_failed: { status: 502, title: "The API behind the gateway did not answer properly." },
  upstream_unreachable: { status: 502, title: "The API behind the gateway cannot be reached." },
  upstream_timeout: { status: 504, title: "The API behind the gateway took too long to answer." },
  store_unavailable: { status: 503, title: "Usage cannot be checked right now; nothing was charged." },
  identity_unavailable: { status: 503, title: "The identity provider cannot be reached right now." },
  billing_not_configured: { status: 501, title: "This gateway takes no payments." },
  webhooks_not_configured: { status: 501, title: "This gateway sends no webhooks: its operator has not set encryption_keys." },
  billing_unavailable: { status: 503, title: "The payment provider cannot be reached right now." },
  billing_account_missing: { status: 409, title: "No account that can take payments is connected." },
  overloaded: { status: 503, title: "Too many requests are waiting; try again in a moment." },
  shutting_down: { status: 503, title: "This gateway is shutting down." },
} as const;

/** The code of an error of the gateway. */
export type ErrorCode = keyof typeof PROBLEMS;

export const PROBLEM_TYPE = "urn:dream-gateway:error:";
