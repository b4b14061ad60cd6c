import { isTextId } from '../domain/ids.ts';
import { parseText } from './body.ts';

/** Where a route's arguments come from. A part that could not be read as such is undefined. */
export interface Sources {
  /** Decoded values by name; empty on a route that takes no query string. */
  readonly query: ReadonlyMap<string, readonly string[]> | undefined;
  /** The JSON source of each member's value, by name. */
  readonly body: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Reads one argument. Undefined: it is missing, or outside what is allowed; either is an invalid parameter. */
export type Argument<T> = (sources: Sources) => T | undefined;

const MAX_IDS = 1000;
const MAX_PAGE = 2_147_483_647;

/** A page number or size: 1 to 2^31-1, as a JSON integer or digits. In the query string it goes before one in the body. */
export function page(name: string, byDefault: number): Argument<number> {
  return ({ query, body }) => {
    if (query === undefined) return undefined;
    const asked = query.get(name);
    if (asked !== undefined) return asked.length === 1 ? parsePage(asked[0]) : undefined;
    if (body === undefined) return undefined;
    const sources = body.get(name);
    if (sources === undefined) return byDefault;
    const source = onlyOne(sources);
    if (source === undefined) return undefined;
    return parsePage(textIn(source) ?? source);
  };
}

function parsePage(digits: string | undefined): number | undefined {
  // Nothing but digits, so that 1.0, 1e3, +1 and " 1" are as wrong as -1.
  if (digits === undefined || !/^\d+$/.test(digits)) return undefined;
  const value = Number(digits);
  return value >= 1 && value <= MAX_PAGE ? value : undefined;
}

/** One id, from the body. */
export function id(name: string): Argument<string> {
  return ({ body }) => {
    const value = textIn(onlyOne(body?.get(name)));
    return isId(value) ? value : undefined;
  };
}

/** Text that may be missing: null then. In the query string it goes before one in the body. */
export function optionalText(name: string): Argument<string | null> {
  return ({ query, body }) => {
    if (query === undefined) return undefined;
    const asked = query.get(name);
    if (asked !== undefined) return asked.length === 1 ? asked[0] : undefined;
    if (body === undefined) return undefined;
    const sources = body.get(name);
    if (sources === undefined) return null;
    return textIn(onlyOne(sources));
  };
}

/**
 * A list of 1 to 1,000 different items: every spelling of the name in the query string together (`name`, `name[]`,
 * `name[0]`), or else an array or a string in the body.
 * @param isItem whether a value can be an item.
 * @param absent what a list is that is given nowhere; it is missing unless told.
 */
function list<Item extends string, Absent extends null = never>(
  name: string,
  isItem: (value: unknown) => value is Item,
  absent?: Absent,
): Argument<readonly Item[] | Absent> {
  const isSpelling = (key: string) =>
    key.startsWith(name) && /^(\[\d*\])?$/.test(key.slice(name.length));
  return ({ query, body }) => {
    if (query === undefined) return undefined;
    const asked = [...query].filter(([key]) => isSpelling(key)).flatMap(([, values]) => values);
    let given: unknown = asked;
    if (asked.length === 0) {
      if (body === undefined) return undefined;
      const sources = body.get(name);
      if (sources === undefined) return absent;
      const source = onlyOne(sources);
      if (source === undefined) return undefined;
      given = JSON.parse(source);
    } else if (asked.length === 1 && query.has(name)) {
      // Only one bare value is a list in disguise; an id that holds a comma has every other spelling to itself.
      given = asked[0]?.split(',');
    }
    const unique = [...new Set(Array.isArray(given) ? (given as unknown[]) : [given])];
    return unique.length >= 1 && unique.length <= MAX_IDS && unique.every(isItem)
      ? unique
      : undefined;
  };
}

/** A list of ids. */
export function ids(name: string): Argument<readonly string[]> {
  return list<string, never>(name, isId);
}

/** A list of ids that may be missing: null then. */
export function optionalIds(name: string): Argument<readonly string[] | null> {
  return list(name, isId, null);
}

/** A list of words that may be missing: null then. */
export function optionalWords<Word extends string>(
  name: string,
  words: readonly Word[],
): Argument<readonly Word[] | null> {
  return list(name, (value): value is Word => words.includes(value as Word), null);
}

/** The text that the JSON of a value stands for; undefined where it is another kind of value, or none. */
function textIn(source: string | undefined): string | undefined {
  return source?.startsWith('"') ? parseText(source) : undefined;
}

/** An argument that a body has twice is no argument: a caller who is answered for the wrong one would not notice. */
function onlyOne(sources: readonly string[] | undefined): string | undefined {
  return sources?.length === 1 ? sources[0] : undefined;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isTextId(value);
}
