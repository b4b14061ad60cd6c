import { configure } from 'safe-stable-stringify';

/**
 * A value as JSON text, keys in their own order. A bigint becomes a JSON number with all of its digits, which
 * `JSON.stringify` refuses and a number could not hold.
 * @throws Error for a value that JSON has no form for.
 */
export const exactJson = configure({ deterministic: false, bigint: true, strict: true }) as (
  value: object | null,
) => string;
