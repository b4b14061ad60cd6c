import type { z } from 'zod';
import { wholeNumber } from './values.ts';

/** The variables about how large an operation may be. */
export const limitVariables = {
  GATEWAY_MAX_CHARACTERS: wholeNumber(1, 1_073_741_824).default(100_000),
  GATEWAY_MAX_TOKENS: wholeNumber(1, 1_000_000).default(5000),
  // Each level goes deeper into the stack, which has an end.
  GATEWAY_MAX_DEPTH: wholeNumber(1, 500).default(20),
  GATEWAY_MAX_FIELDS: wholeNumber(1, 1_000_000).default(5000),
  GATEWAY_MAX_ROOT_FIELDS: wholeNumber(1, 1_000_000).default(50),
  GATEWAY_MAX_ALIASES: wholeNumber(0, 1_000_000).default(200),
  GATEWAY_MAX_DIRECTIVES: wholeNumber(0, 1_000_000).default(200),
  // The largest pages of the REST routes cost less than the least.
  GATEWAY_MAX_COST: wholeNumber(10_000, 1_000_000_000_000).default(100_000),
};

type LimitEnvironment = {
  [Name in keyof typeof limitVariables]: z.output<(typeof limitVariables)[Name]>;
};

/** How large an operation may be. */
export function readLimits(env: LimitEnvironment) {
  return {
    characters: env.GATEWAY_MAX_CHARACTERS,
    tokens: env.GATEWAY_MAX_TOKENS,
    depth: env.GATEWAY_MAX_DEPTH,
    fields: env.GATEWAY_MAX_FIELDS,
    rootFields: env.GATEWAY_MAX_ROOT_FIELDS,
    aliases: env.GATEWAY_MAX_ALIASES,
    directives: env.GATEWAY_MAX_DIRECTIVES,
    cost: env.GATEWAY_MAX_COST,
  };
}
