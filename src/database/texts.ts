import type { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import type { DatabaseOptions } from './client.ts';
import { TextsQuery, type Texts } from './texts-query.ts';

/** A statement, as Prisma has it, with its text put together. */
export interface Statement {
  /** What stands around the values. */
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
  /** With `$1` and so on in the places of the values. */
  readonly text: string;
}

/**
 * Reads a row of texts, the only one that a statement gives, by the driver itself: what Prisma makes of rows costs more than
 * reading them.
 */
export type ReadTexts = (statement: Statement) => Promise<Texts>;

/** The drivers write dates in the zone of this process. */
const parameterOf = (value: unknown) => (value instanceof Date ? value.toISOString() : value);

/** @param read sends a statement with its parameters. */
function createReader(
  read: (text: string, parameters: unknown[]) => PromiseLike<Texts>,
  { onStatement }: DatabaseOptions,
): ReadTexts {
  return async ({ text, values }) => {
    const parameters = values.map(parameterOf);
    onStatement?.(text, JSON.stringify(parameters, digitsOf));
    return read(text, parameters);
  };
}

const digitsOf = (_key: string, value: unknown) =>
  typeof value === 'bigint' ? String(value) : value;

export function postgresTexts(
  pool: pg.Pool,
  nameOf: (text: string) => string,
  options: DatabaseOptions,
): ReadTexts {
  return createReader(
    async (text, values) => await pool.query(new TextsQuery(nameOf(text), text, values)),
    options,
  );
}

export function embeddedTexts(pglite: PGlite, options: DatabaseOptions): ReadTexts {
  return createReader(async (text, parameters) => {
    const { rows } = await pglite.query<Texts>(text, parameters, { rowMode: 'array' });
    return rows[0]!;
  }, options);
}
