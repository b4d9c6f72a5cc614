/** A page of a list, as the gateway answers it. */
export interface Page<T> {
  data: T[];
  nextCursor: string | null;
  hasMore: boolean;
}

/**
 * A list: `await` gives its first page, `for await` every item, page after page.
 * Nothing is asked before.
 */
export class Listing<T, P extends Page<T> = Page<T>> implements PromiseLike<P>, AsyncIterable<T> {
  readonly #fetch: (cursor: string | undefined) => Promise<P>;
  #first: Promise<P> | undefined;

  constructor(fetch: (cursor: string | undefined) => Promise<P>) {
    this.#fetch = fetch;
  }

  then<A = P, B = never>(
    fulfilled?: ((page: P) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#first ??= this.#fetch(undefined);
    return this.#first.then(fulfilled, rejected);
  }

  catch<B = never>(rejected: (reason: unknown) => B | PromiseLike<B>): Promise<P | B> {
    return this.then(undefined, rejected);
  }

  /** Every page, from the first one on. */
  async *pages(): AsyncGenerator<P, void, undefined> {
    let page: P = await this;
    yield page;
    while (page.hasMore && page.nextCursor !== null) {
      page = await this.#fetch(page.nextCursor);
      yield page;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.data;
  }
}
