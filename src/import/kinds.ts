import type { InstanceInfo } from '../domain/entities.ts';
import { MAX_ID, MAX_TEXT_BYTES } from '../domain/ids.ts';
import { NumberText, type ExactJson } from './json.ts';
import { cut, Rejection, show } from './problem.ts';

/**
 * A value as the importer holds it, in the form that JSON and PostgreSQL both take exactly: 64-bit ids are strings of
 * digits, instants are `YYYY-MM-DDTHH:mm:ss.sssZ`.
 */
export type Value = string | number | null | InstanceInfo;

/** What a field may hold. */
export interface Kind<T extends Value = Value> {
  /** The type of its column. */
  readonly sqlType: string;
  /**
   * Checks a parsed JSON value.
   * @throws Rejection naming the path and what is allowed there.
   */
  read(value: ExactJson, path: string): T;
  /** SQL that gives the column in the form that `read` gives. */
  select(column: string): string;
  /** SQL that gives the column as a line of the format has it, ids as numbers. */
  write(column: string): string;
}

const MAX_INT = 2_147_483_647;
const MAX_ID_DIGITS = String(MAX_ID);

function describe(value: ExactJson): string {
  if (typeof value === 'string') return show(value);
  if (value instanceof NumberText) return show(value.source).slice(1, -1);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function refuse(path: string, allowed: string, value: ExactJson): never {
  throw new Rejection('INVALID', path, `${path} must be ${allowed}, not ${describe(value)}.`);
}

function checkCharacters(text: string, path: string): void {
  if (text.includes('\0')) throw new Rejection('INVALID', path, `${path} holds a NUL character.`);
  if (!text.isWellFormed()) {
    throw new Rejection('INVALID', path, `${path} holds half of a surrogate pair.`);
  }
}

const asItIs = (column: string) => column;

/** Text of any length. */
export const text: Kind<string> = {
  sqlType: 'text',
  select: asItIs,
  write: asItIs,
  read(value, path) {
    if (typeof value !== 'string') refuse(path, 'text', value);
    checkCharacters(value, path);
    return value;
  },
};

/** A name, or an id that Helix chose. */
export const name: Kind<string> = {
  sqlType: 'text',
  select: asItIs,
  write: asItIs,
  read(value, path) {
    const allowed = `text of 1 to ${MAX_TEXT_BYTES} bytes of UTF-8`;
    if (typeof value !== 'string' || value === '') refuse(path, allowed, value);
    checkCharacters(value, path);
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_TEXT_BYTES) {
      throw new Rejection('INVALID', path, `${path} must be ${allowed}, not of ${bytes}.`);
    }
    return value;
  },
};

/** Whether the first string of digits is the smaller number. */
export function isLower(a: string, b: string): boolean {
  return a.length < b.length || (a.length === b.length && a < b);
}

/** A 64-bit id, from 0 to 2^63-1: a JSON integer in plain digits, or a string of them. */
export const id: Kind<string> = {
  sqlType: 'bigint',
  select: (column) => `${column}::text`,
  write: asItIs,
  read(value, path) {
    const digits =
      typeof value === 'number'
        ? String(value)
        : value instanceof NumberText
          ? value.source
          : value;
    if (
      typeof digits !== 'string' ||
      !/^(?:0|[1-9]\d{0,18})$/.test(digits) ||
      isLower(MAX_ID_DIGITS, digits)
    ) {
      refuse(path, `a whole number from 0 to ${MAX_ID}, in plain digits`, value);
    }
    return digits;
  },
};

/** A code or a count: a whole number from 0 to 2^31-1, as a JSON number in plain digits. */
export const int: Kind<number> = {
  sqlType: 'integer',
  select: asItIs,
  write: asItIs,
  read(value, path) {
    if (typeof value !== 'number' || value > MAX_INT) {
      refuse(path, `a whole number from 0 to ${MAX_INT}, in plain digits`, value);
    }
    return value;
  },
};

/** One of a few words. */
export function oneOf(sqlType: string, words: readonly string[]): Kind<string> {
  return {
    sqlType,
    select: asItIs,
    write: asItIs,
    read(value, path) {
      if (typeof value !== 'string' || !words.includes(value)) {
        refuse(path, words.join(' or '), value);
      }
      return value;
    },
  };
}

/** Counts by operation key. Any key is plain data, `__proto__` too. */
export const instanceInfo: Kind<InstanceInfo> = {
  sqlType: 'jsonb',
  select: asItIs,
  write: asItIs,
  read(value, path) {
    if (
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      value instanceof NumberText
    ) {
      refuse(path, 'an object of counts', value);
    }
    for (const key of Object.keys(value)) {
      checkCharacters(key, path);
      int.read(value[key]!, `${path}.${cut(key)}`);
    }
    return value as InstanceInfo; // Each value has been read as a count.
  },
};
