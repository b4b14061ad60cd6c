import type pg from 'pg';
import utils from 'pg/lib/utils.js';

const { prepareValue } = utils;

/** A row of texts, the only one that a statement gives. */
export type Texts = readonly (string | null)[];

/** What the driver has for those who send statements of their own kind, and its types do not tell. */
interface Connection extends pg.Connection {
  /** The texts of the statements that are prepared on it, and of those that are about to be, by their names. */
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements: Record<string, string>;
  parse(statement: { name: string; text: string }): void;
  bind(values: object): void;
  execute(portal: object): void;
  close(prepared: { type: 'S'; name: string }): void;
}

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
    private readonly values: readonly unknown[],
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

  submit(driver: pg.Connection): void {
    const connection = driver as Connection;
    // Sent as one, which the driver's own statements are too.
    connection.stream.cork();
    try {
      this.#send(connection);
    } finally {
      connection.stream.uncork();
    }
  }

  #send(connection: Connection): void {
    const { name, text, values } = this;
    const { parsedStatements, submittedNamedStatements } = connection;
    const prepared =
      name === '' ? undefined : (parsedStatements[name] ?? submittedNamedStatements[name]);
    if (prepared === undefined) {
      connection.parse({ name, text });
      if (name !== '') submittedNamedStatements[name] = text;
    }
    try {
      connection.bind({ statement: name, values, valueMapper: prepareValue });
    } catch (error) {
      connection.close({ type: 'S', name });
      connection.sync();
      this.handleError(error as Error);
      return;
    }
    connection.execute({});
    connection.sync();
  }

  handleDataRow({ fields }: { fields: Texts }): void {
    this.#row = fields;
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    if (this.#row) this.callback(null, this.#row);
    else this.handleError(new Error('The statement gave no row.'));
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}
