/**
 * Seeded random numbers. The generator is sfc32 ("Small Fast Chaotic", 32 bit) of Chris Doty-Humphrey's PractRand
 * (https://pracrand.sourceforge.net, public domain), seeded by three words and fifteen discarded rounds, as there. It uses
 * 32-bit integers only, so the same seed gives the same numbers on every machine; for the same reason nothing here calls
 * Math.log or its like, whose last digit the language leaves open.
 */

export interface Random {
  /** From 0 up to, not including, 1. */
  float(): number;
  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  /** From `low` up to `high`. */
  between(low: number, high: number): number;
  /** True with the probability given, 0 to 1. */
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  /** A number to one of its two whole neighbours, such that the average is the number itself. */
  round(value: number): number;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
  /** A UUID of version 4. */
  uuid(): string;
}

/** Starts a generator. Different words give independent streams. */
export function createRandom(...words: readonly [number, number, number]): Random {
  let [a, b, c] = words;
  let counter = 1;

  function next(): number {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  }
  for (let round = 0; round < 15; round++) next();

  const float = () => next() / 4_294_967_296;
  const word = () => next().toString(16).padStart(8, '0');
  return {
    float,
    integer: (low, high) => low + Math.floor(float() * (high - low + 1)),
    between: (low, high) => low + float() * (high - low),
    chance: (probability) => float() < probability,
    pick: (list) => list[Math.floor(float() * list.length)]!,
    round: (value) => Math.floor(value + float()),
    hex: (digits) => word().slice(0, digits),
    uuid() {
      const [first, second, third, fourth] = [word(), word(), word(), word()];
      const variant = '89ab'[next() >>> 30]!;
      return (
        `${first}-${second.slice(0, 4)}-4${second.slice(5)}` +
        `-${variant}${third.slice(1, 4)}-${third.slice(4)}${fourth}`
      );
    },
  };
}
