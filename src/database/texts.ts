import type { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import type { DatabaseOptions } from './client.ts';

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
export type ReadTexts = (statement: Statement) => Promise<readonly (string | null)[]>;

/** The drivers write dates in the zone of this process. */
const parameterOf = (value: unknown) => (value instanceof Date ? value.toISOString() : value);

/** @param read sends a statement with its parameters. */
function createReader(
  read: (text: string, parameters: unknown[]) => Promise<{ rows: (string | null)[][] }>,
  { onStatement }: DatabaseOptions,
): ReadTexts {
  return async ({ text, values }) => {
    const parameters = values.map(parameterOf);
    onStatement?.(text, JSON.stringify(parameters, digitsOf));
    const { rows } = await read(text, parameters);
    return rows[0]!;
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
    (text, values) => pool.query({ name: nameOf(text), text, values, rowMode: 'array' }),
    options,
  );
}

export function embeddedTexts(pglite: PGlite, options: DatabaseOptions): ReadTexts {
  return createReader(
    (text, parameters) => pglite.query(text, parameters, { rowMode: 'array' }),
    options,
  );
}
