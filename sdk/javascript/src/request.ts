import type { Options } from "./options.js";
import { isTextInFields } from "./places.js";
import type { Route } from "./route.js";

/** A call as it was made, taken apart. */
export interface Call {
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Record<string, string>;
  readonly options: Options;
  /** The idempotency key that the input names. */
  readonly key: string | undefined;
  readonly userId: string | undefined;
}

type Input = Readonly<Record<string, unknown>>;

/** Take apart the arguments of a method: the path's names, an input if it takes one, options. */
export function callOf(route: Route, given: readonly unknown[]): Call {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
  const input = route.takes === undefined ? {} : ((given[names.length] ?? {}) as Input);
  const options = (given[names.length + (route.takes === undefined ? 0 : 1)] ?? {}) as Options;
  const { headers, rest } = split(route, input);
  const isBody = route.takes === "body";
  return {
    path: filled(route.path, names, given) + (isBody ? "" : queryOf(rest)),
    body: isBody ? JSON.stringify(rest) : undefined,
    headers,
    options,
    key: headers["Idempotency-Key"],
    userId: headers["X-User-Id"],
  };
}

function filled(path: string, names: readonly string[], given: readonly unknown[]): string {
  return names.reduce((text, name, index) => {
    const value = given[index];
    if (typeof value !== "string" || value === "" || /^\.\.?$/.test(value)) {
      throw new TypeError(`${name} must be a non-empty string.`);
    }
    return text.replace(`{${name}}`, () => encodeURIComponent(value));
  }, path);
}

/** Divide an input into what goes into header fields, and the rest. */
function split(route: Route, input: Input): { headers: Record<string, string>; rest: Input } {
  const headers: Record<string, string> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    const field = route.fields?.[name];
    if (value === undefined) continue;
    if (field === undefined) rest[name] = value;
    else if (value !== null) headers[field] = fieldValue(String(value));
  }
  return { headers, rest };
}

function queryOf(input: Input): string {
  const entries = Object.entries(input).filter(([, value]) => value !== null);
  if (entries.length === 0) return "";
  return `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}`;
}

/** Return text as a header's value: fetch takes bytes as ISO 8859-1, and the gateway reads UTF-8. */
export function fieldValue(text: string): string {
  return isTextInFields() ? text : String.fromCharCode(...new TextEncoder().encode(text));
}
