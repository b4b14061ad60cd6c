import { expect, it } from 'vitest';
import { statementNames } from '../src/database/postgres.ts';

const naming = () =>
  statementNames(
    {
      kind: 'postgresql',
      url: 'postgresql://127.0.0.1/none',
      poolSize: 1,
      poolWaitMs: 1,
      statementTimeoutMs: 1,
      namedStatements: true,
    },
    {},
  );

/** @returns how many of a thousand statements of so many characters get names. */
function named(length: number): number {
  const nameOf = naming();
  const texts = Array.from({ length: 1000 }, (_, n) => String(n).padEnd(length, ' '));
  const names = texts.map(nameOf);
  expect(texts.map(nameOf)).toEqual(names);
  const given = names.filter((name) => name !== '');
  expect(new Set(given).size).toBe(given.length);
  return given.length;
}

it('names some hundred statements, each by its text', () => {
  expect(named(1000)).toBe(300);
});

it('names fewer of long ones, whose plans take the memory of each connection', () => {
  expect(named(40_000)).toBe(10);
  expect(named(400_001)).toBe(0);
});

it('names short ones where a long one finds no room any more', () => {
  const nameOf = naming();
  expect(nameOf('a'.repeat(399_000))).not.toBe('');
  expect(nameOf('b'.repeat(2000))).toBe('');
  expect(nameOf('c')).not.toBe('');
});
