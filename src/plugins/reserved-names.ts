import { GraphQLError, type ValidationRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/**
 * Names that GraphQL allows and the executor cannot bear: what has a `then` is a promise to it, and a variable called
 * `__proto__` it takes for one that was not given, so that a filter would be silently left out.
 */
const ReservedNamesRule: ValidationRule = (context) => ({
  Field({ alias }) {
    if (alias?.value !== 'then') return;
    const message = 'A field cannot be called "then" in an answer: choose another alias.';
    context.reportError(new GraphQLError(message, { nodes: alias }));
  },
  VariableDefinition({ variable }) {
    if (variable.name.value !== '__proto__') return;
    const message = 'A variable cannot be called "__proto__": choose another name.';
    context.reportError(new GraphQLError(message, { nodes: variable }));
  },
});

/** A Yoga plugin that refuses names which would be misunderstood. */
export function useReservedNames(): Plugin {
  return {
    onValidate: ({ addValidationRule }) => addValidationRule(ReservedNamesRule),
  };
}
