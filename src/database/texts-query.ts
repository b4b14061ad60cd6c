import type pg from 'pg';
import { serialize } from 'pg-protocol';
import utils from 'pg/lib/utils.js';

const { prepareValue } = utils;

/** A row of texts, the only one that a statement gives. */
export type Texts = readonly (string | null)[];

/** What the driver has for those who send statements of their own kind, and its types do not tell. */
interface Connection extends pg.Connection {
  /** The texts of the statements that are prepared on it, and of those that are about to be, by their names. */
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements: Record<string, string>;
}

const EXECUTE_AND_SYNC = Buffer.concat([serialize.execute(), serialize.sync()]);

/**
 * A statement that gives one row of texts, as the driver lets others send theirs. Its own statements ask for a description of
 * each result, make types and objects by it, and are copied property by property; here nothing is to be described.
 * Whoever sends it waits for it as for a promise.
 */
export class TextsQuery implements pg.Submittable, PromiseLike<Texts> {
  /** What the driver calls with the result, and puts itself around to bound the time. */
  callback!: (error: Error | null, row?: Texts) => void;
  readonly #done: Promise<Texts>;
  #row: Texts | undefined;

  /** @param name the name it is prepared under; empty: it is not to be. */
  constructor(
    public name: string,
    public text: string,
    private readonly values: unknown[],
  ) {
    this.#done = new Promise((resolve, reject) => {
      this.callback = (error, row) => (error ? reject(error) : resolve(row!));
    });
  }

  then<A = Texts, B = never>(
    onRow?: ((row: Texts) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#done.then(onRow, onError);
  }

  /** @returns why it cannot be sent. */
  submit(driver: pg.Connection): Error | null {
    const { stream, parsedStatements, submittedNamedStatements } = driver as Connection;
    const { name, text, values } = this;
    let bind: Buffer;
    try {
      bind = serialize.bind({ statement: name, values, valueMapper: prepareValue });
    } catch (error) {
      return error as Error;
    }
    const messages = [bind, EXECUTE_AND_SYNC];
    const prepared = name && (parsedStatements[name] ?? submittedNamedStatements[name]);
    if (!prepared) messages.unshift(serialize.parse({ name, text }));
    if (name && !prepared) submittedNamedStatements[name] = text;
    // One piece of memory takes less than the several that the driver has its messages written from.
    stream.write(Buffer.concat(messages));
    return null;
  }

  handleDataRow({ fields }: { fields: Texts }): void {
    this.#row = fields;
  }

  handleCommandComplete(): void {}

  handleEmptyQuery(): void {}

  handleReadyForQuery(): void {
    if (this.#row) this.callback(null, this.#row);
    else this.handleError(new Error('The statement gave no row.'));
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}
