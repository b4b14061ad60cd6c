import type { ServerResponse } from 'node:http';

/** Nobody reads the answer any more. */
export class ReaderGoneError extends Error {
  override name = 'ReaderGoneError';
}

/** The reader is there and takes nothing. */
export class ReaderStalledError extends Error {
  override name = 'ReaderStalledError';
}

/** Milliseconds for the last bytes of an answer that breaks off to get out. */
const LINGER_MS = 2000;

/** An answer that is written bit by bit, as fast as its reader takes it. */
export class ResponseStream {
  readonly #res: ServerResponse;
  readonly #stallMs: number;
  readonly #gone = new AbortController();
  #isStalled = false;
  /** Bytes handed over so far. */
  bytes = 0;

  /** @param stallMs how long a reader may take for what was written at once. */
  constructor(res: ServerResponse, stallMs: number) {
    this.#res = res;
    this.#stallMs = stallMs;
    res.once('close', () => {
      if (!res.writableEnded) this.#gone.abort(new ReaderGoneError('The reader is gone.'));
    });
  }

  /** Ends whatever is done for a reader who is gone. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Headers of the answer, which is a success once bytes follow. */
  setHeaders(headers: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(headers)) {
      // It may differ by origin already.
      if (name === 'Vary') this.#res.appendHeader(name, value);
      else this.#res.setHeader(name, value);
    }
  }

  /**
   * Writes bytes, and waits until they are on their way.
   * @throws ReaderGoneError
   * @throws ReaderStalledError if that takes too long. From then on nothing is waited for.
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.signal.throwIfAborted();
    this.bytes += bytes.length;
    const isOut = new Promise<void>((resolve) => this.#res.write(bytes, () => resolve()));
    if (this.#isStalled) return;
    if (!(await this.#within(isOut, this.#stallMs))) {
      this.#isStalled = true;
      throw new ReaderStalledError('The reader takes nothing.');
    }
    this.signal.throwIfAborted();
  }

  /** Ends the answer properly. @throws as `write` does. */
  async end(): Promise<void> {
    this.signal.throwIfAborted();
    // A connection that closes meanwhile never finishes the answer.
    const isOut = new Promise<void>((resolve) => {
      for (const event of ['finish', 'close']) this.#res.once(event, resolve);
    });
    this.#res.end();
    if (!(await this.#within(isOut, this.#stallMs))) {
      this.#res.destroy();
      throw new ReaderStalledError('The reader takes nothing.');
    }
  }

  /** Closes the connection without ending the answer, so that its reader knows that it is not whole. */
  async breakOff(): Promise<void> {
    const isOut = new Promise<void>((resolve) => this.#res.write('', () => resolve()));
    await this.#within(isOut, LINGER_MS);
    this.#res.destroy();
  }

  /** Whether something happens in time; a connection that closes is the end of waiting. */
  #within(happening: Promise<void>, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (inTime: boolean) => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', onGone);
        resolve(inTime);
      };
      const onGone = () => settle(true);
      const timer = setTimeout(() => settle(false), ms);
      this.signal.addEventListener('abort', onGone, { once: true });
      void happening.then(() => settle(true));
    });
  }
}
