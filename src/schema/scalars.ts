import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { DateTimeISOResolver, JSONResolver } from 'graphql-scalars';
import { parseInt64 } from '../domain/ids.ts';
import { isInstant } from '../domain/time.ts';
import { builder } from './builder.ts';

function readInt64(text: string): bigint {
  const value = parseInt64(text);
  if (value === undefined) {
    throw new GraphQLError(
      `BigInt takes a whole number within 64 bits; ${JSON.stringify(text.slice(0, 30))} is none.`,
    );
  }
  return value;
}

// The maintained BigInt scalars answer with JSON numbers, which most clients round, and take rounded ones.
builder.scalarType('BigInt', {
  description:
    'A whole number within 64 bits. Always answered as a string of decimal digits. Taken as such a string or as an integer literal; a JSON number is taken up to 2^53-1 only, since a larger one has been rounded on its way.',
  serialize: (value) => value.toString(),
  parseValue: (value) => {
    if (typeof value === 'string') return readInt64(value);
    if (Number.isSafeInteger(value)) return BigInt(value as number);
    throw new GraphQLError(
      typeof value === 'number' && Number.isInteger(value)
        ? `BigInt takes a JSON number up to 2^53-1 only: ${value} has been rounded. Send it as a string.`
        : 'BigInt takes a whole number within 64 bits, as a string of digits.',
    );
  },
  parseLiteral: (node) => {
    if (node.kind === Kind.INT || node.kind === Kind.STRING) return readInt64(node.value);
    throw new GraphQLError('BigInt takes an integer literal or a string of digits.', {
      nodes: node,
    });
  },
});

function checkInstant(instant: Date): Date {
  if (isInstant(instant.getTime())) return instant;
  throw new GraphQLError('DateTime takes instants of the years 0001 to 9999 of UTC only.');
}

const dateTime = DateTimeISOResolver.toConfig();

builder.addScalarType(
  'DateTime',
  new GraphQLScalarType<Date, string>({
    ...dateTime,
    parseValue: (value) => checkInstant(dateTime.parseValue(value)),
    parseLiteral: (node, variables) => checkInstant(dateTime.parseLiteral(node, variables)),
  }),
  { description: 'An instant in UTC, to the millisecond: `2025-04-01T10:00:00.000Z` (RFC 3339).' },
);

builder.addScalarType('JSON', JSONResolver, {
  description: 'Any JSON value; here an object of counts by operation key.',
});
