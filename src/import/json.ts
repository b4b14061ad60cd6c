import { parse as parseLosslessly } from 'lossless-json';
import { Rejection, show } from './problem.ts';

/** A JSON number that is more than 15 plain digits, by its characters: `466917967054114816`, `1.0`, `-0`. */
export class NumberText {
  constructor(readonly source: string) {}
}

/** What a line may be: any JSON, with a `NumberText` where a double could say something else than the source. */
export type ExactJson =
  string | number | boolean | null | NumberText | ExactJson[] | { [key: string]: ExactJson };

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i;
/** A number of plain digits that a double holds; it is left where it is. */
const PLAIN_NUMBER = /\d{1,15}(?![-+.\de])/iy;
const NUMBER_CHARACTERS = /[-+.\de]+/iy;

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a; // The character after "9".
const BACKSLASH = 0x5c;

/** The index of the quote that ends the string whose opening quote is at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = start; ;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
}

/**
 * Replaces each number that is not plain by a negative one, which no plain number is: -1 for the first of `sources`, -2
 * for the second. Also counts the keys of all objects, the repeated ones too.
 */
function replaceNumbers(text: string) {
  const sources: string[] = [];
  let replaced = '';
  let copied = 0;
  let keys = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i);
    } else if (code === COLON) {
      keys++;
    } else if (code === MINUS || (code >= ZERO && code < COLON)) {
      PLAIN_NUMBER.lastIndex = i;
      if (PLAIN_NUMBER.test(text)) {
        i = PLAIN_NUMBER.lastIndex - 1;
        continue;
      }
      NUMBER_CHARACTERS.lastIndex = i;
      const source = NUMBER_CHARACTERS.exec(text)![0];
      // What is no number at all stays, for the parser to stumble over.
      if (JSON_NUMBER.test(source)) {
        sources.push(source);
        replaced += `${text.slice(copied, i)}${-sources.length}`;
        copied = i + source.length;
      }
      i += source.length - 1;
    }
  }
  return { text: replaced + text.slice(copied), sources, keys };
}

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Puts the replaced numbers of an array or object back, and counts the keys of its objects. */
function restoreNumbers(root: Record<string, unknown>, sources: readonly string[]): number {
  let count = 0;
  const open = [root];
  for (let container; (container = open.pop());) {
    const keys = Object.keys(container);
    if (!Array.isArray(container)) count += keys.length;
    for (const key of keys) {
      const value = container[key];
      if (typeof value === 'number' && value < 0) {
        container[key] = new NumberText(sources[-value - 1]!);
      } else if (isContainer(value)) {
        open.push(value);
      }
    }
  }
  return count;
}

/** Names the key that an object has twice. The same key with the same value does no harm. */
function refuseDuplicates(text: string): void {
  try {
    parseLosslessly(text, undefined, {
      onDuplicateKey({ key }) {
        throw new Rejection(
          'SYNTAX',
          null,
          `The key ${show(key)} is there twice, with two values.`,
        );
      },
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Rejection('SYNTAX', null, 'The line is nested too deeply.');
  }
}

function parseNative(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      // Once more for a message about the text as it stands in the source.
      JSON.parse(source);
    } catch (error) {
      throw new Rejection('SYNTAX', null, `The line is not JSON: ${(error as Error).message}.`);
    }
    throw new Error('numbers of a line were replaced wrongly');
  }
}

/**
 * Parses JSON without rounding a number and without losing a key.
 *
 * The parser of the language is five times as fast as one that keeps the digits, and makes a fraction of the garbage.
 * @throws Rejection if the text is not JSON, or an object has a key with two values.
 */
export function parseExactly(source: string): ExactJson {
  const { text, sources, keys } = replaceNumbers(source);
  const root = { value: parseNative(text, source) };
  const keysKept = restoreNumbers(root, sources) - 1;
  if (keysKept !== keys) refuseDuplicates(source);
  return root.value as ExactJson;
}
