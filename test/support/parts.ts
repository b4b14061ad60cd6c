import type { GraphQLAnswer } from './gateway.ts';

type Json = Record<string | number, unknown>;

interface Part extends GraphQLAnswer<Json> {
  path?: (string | number)[];
  items?: unknown[] | null;
  incremental?: Part[];
  hasNext?: boolean;
}

/** The parts in the text of an answer, as `multipart/mixed`, `text/event-stream` or one JSON: each is one line. */
export function partsOf(text: string): Part[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^data: /, ''))
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Part);
}

/** A property of its own, `__proto__` too. */
const own = (object: object, key: string | number): unknown =>
  Object.getOwnPropertyDescriptor(object, key)?.value;

const put = (object: object, key: string | number, value: unknown) =>
  Object.defineProperty(object, key, { value, enumerable: true, writable: true });

function merge(into: object, from: object): void {
  for (const [key, value] of Object.entries(from) as [string, unknown][]) {
    const there = own(into, key);
    if (typeof there === 'object' && there && typeof value === 'object' && value) {
      merge(there, value);
    } else put(into, key, value);
  }
}

/** Puts the parts of an answer together, as a client does. */
export function mergeParts(text: string): GraphQLAnswer<unknown> {
  const [first, ...rest] = partsOf(text);
  const answer: GraphQLAnswer<unknown> = { data: first!.data };
  const errors = [...(first!.errors ?? [])];
  for (const { path = [], data, items, errors: more = [] } of rest.flatMap(
    ({ incremental = [] }) => incremental,
  )) {
    errors.push(...more);
    const steps = items ? path.slice(0, -1) : path;
    const target = steps.reduce<unknown>(
      (object, step) => (object ? own(object, step) : undefined),
      answer.data,
    );
    if (!target) continue;
    const from = Number(path.at(-1));
    if (items) items.forEach((item, n) => put(target, from + n, item));
    else if (data) merge(target, data);
  }
  return errors.length > 0 ? { ...answer, errors } : answer;
}
