/** Tell whether this is a page or a worker of one, where whoever looks can read what is in memory. */
export function isBrowser(): boolean {
  const place = globalThis as { document?: unknown; importScripts?: unknown; navigator?: { userAgent?: string } };
  if (place.document !== undefined) return true;
  return place.importScripts !== undefined && /^Mozilla\//.test(place.navigator?.userAgent ?? "");
}

/** Tell whether header fields are sent as UTF-8: those of Workers are, elsewhere each character is a byte. */
export function isTextInFields(): boolean {
  try {
    new Headers([["x", "\u0100"]]);
    return true;
  } catch {
    return false; // no byte, as the Fetch Standard has it
  }
}

/** Return text that nobody made before: 128 random bits. */
export function uniqueKey(): string {
  const bytes = new Uint8Array(16);
  // Node 18 has WebCrypto behind a flag. A key has to be new, not secret.
  if (globalThis.crypto === undefined) bytes.forEach((_, at) => (bytes[at] = Math.random() * 256));
  else crypto.getRandomValues(bytes);
  return `dg-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
