import { GraphQLError, Kind, NoSchemaIntrospectionCustomRule, type ASTNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** The name that a part of an operation has in it. */
function nameOf(node: ASTNode): string | undefined {
  if (node.kind === Kind.VARIABLE_DEFINITION) return node.variable.name.value;
  return 'name' in node && node.name && 'value' in node.name ? node.name.value : undefined;
}

/**
 * What is wrong with an operation, in its caller's words only. GraphQL's own messages name types, arguments and values that
 * he has not named, as what he might have meant and as what was expected of him.
 */
export function withoutSchema({ message, nodes }: GraphQLError): string {
  const [node] = nodes ?? [];
  // What is about no part of the operation in particular does not come from the schema.
  if (!node) return message;
  const kind = node.kind === Kind.VARIABLE_DEFINITION ? Kind.VARIABLE : node.kind;
  const words = kind.replace(/(?<=.)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
  const name = nameOf(node);
  return `The ${words}${name === undefined ? '' : ` "${name}"`} is not valid here.`;
}

/** A Yoga plugin that keeps the schema back: from questions about it, and from the errors of operations that do not fit it. */
export function useSchemaWords(shows: { introspection: boolean; suggestions: boolean }): Plugin {
  return {
    onValidate({ addValidationRule }) {
      if (!shows.introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
      if (shows.suggestions) return undefined;
      return ({ valid, result, setResult }) => {
        if (valid) return;
        const told = (result as readonly GraphQLError[]).map(
          (error) =>
            new GraphQLError(withoutSchema(error), {
              nodes: error.nodes,
              extensions: error.extensions,
            }),
        );
        setResult(told);
      };
    },
  };
}
