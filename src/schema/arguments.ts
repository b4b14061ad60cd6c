import { coerceInputValue } from 'graphql';
import { GatewayError } from '../domain/errors.ts';
import { schema } from './index.ts';

/**
 * Reads JSON as arguments of a field of Query, by GraphQL's own rules: those of the field's types, as if the values came as
 * variables.
 * @throws GatewayError (BAD_USER_INPUT) for an argument that the field does not have, or a value that its type does not take.
 */
export function readQueryArguments(
  fieldName: string,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { args } = schema.getQueryType()!.getFields()[fieldName]!;
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const arg = args.find((one) => one.name === name);
      if (!arg) throw new GatewayError('BAD_USER_INPUT', `There is no argument "${name}" here.`);
      const coerced: unknown = coerceInputValue(value, arg.type, (path, _value, { message }) => {
        const place = path.length === 0 ? '' : ` at "${path.join('.')}"`;
        throw new GatewayError(
          'BAD_USER_INPUT',
          `The argument "${name}" is wrong${place}: ${message}`,
        );
      });
      return [name, coerced];
    }),
  );
}
