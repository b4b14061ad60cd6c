/**
 * Whether all servers give the same answers, which is asked before anything is timed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Population } from './data.ts';
import { createRandom } from './load.ts';
import { ask, type TestedServer } from './servers.ts';
import type { Shape } from './shapes.ts';

/** How many characters are shown of what is another. */
const SHOWN = 1000;

/** How many requests of a shape are compared. */
const COMPARED = 25;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** Instants are written in several ways. */
function readInstants(value: unknown): unknown {
  if (typeof value === 'string' && INSTANT.test(value)) return new Date(value).toISOString();
  if (Array.isArray(value)) return value.map(readInstants);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, readInstants(inner)]),
  );
}

type Container = Readonly<Record<string, unknown>>;

const isContainer = (value: unknown): value is Container =>
  typeof value === 'object' && value !== null;

/** The first place at which two answers differ, and what stands there in each. */
function describeDifference(one: unknown, other: unknown, path = 'answer'): string {
  if (isContainer(one) && isContainer(other)) {
    for (const key of Object.keys({ ...one, ...other })) {
      if (isDeepStrictEqual(one[key], other[key])) continue;
      return describeDifference(one[key], other[key], `${path}.${key}`);
    }
  }
  const [first, second] = [one, other].map((value) => JSON.stringify(value)?.slice(0, SHOWN));
  return `${path} is ${first} and ${second}`;
}

export type FormName = 'gateway' | 'postgraphile' | 'floor';

/** @throws on the first answer that is another. */
export async function compareAnswers(
  shape: Shape,
  population: Population,
  servers: readonly (readonly [FormName, TestedServer])[],
): Promise<void> {
  const random = createRandom(1);
  for (let n = 0; n < COMPARED; n++) {
    const variables = shape.draw(population, random);
    const answers: [string, unknown][] = [];
    for (const [name, server] of servers) {
      const form = shape[name];
      if (!form) continue;
      const answer = await ask(server, form.request(variables));
      answers.push([server.name, readInstants(form.read(answer))]);
    }
    const [[, first], ...others] = answers as [[string, unknown], ...[string, unknown][]];
    for (const [name, other] of others) {
      if (isDeepStrictEqual(first, other)) continue;
      throw new Error(
        `${shape.name} of ${JSON.stringify(variables)}: of ${answers[0]![0]} and ${name}, ${describeDifference(first, other)}`,
      );
    }
  }
}
