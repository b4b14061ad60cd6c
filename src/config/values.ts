import { z } from 'zod';

/** The longest that a timer of Node's can run, in milliseconds. */
export const MAX_TIMER_MS = 2_147_483_647;

/** A whole number in plain digits. */
export function wholeNumber(min: number, max: number) {
  const allowed = `allowed is a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, `is not a whole number; ${allowed}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `is out of range; ${allowed}`);
}

/** One of some words. */
export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, `is none of the known values; allowed is ${values.join(' or ')}`);
}
