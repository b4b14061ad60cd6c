import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

const CONDITIONS: ReadonlySet<string> = new Set(['skip', 'include']);

/** GraphQL's newest rule on subscriptions: what a variable can leave out might leave nothing to subscribe to. */
const UnconditionalSubscriptionRule: ValidationRule = (context) => {
  const check = ({ selections }: SelectionSetNode, seen: Set<string>): void => {
    for (const selection of selections) {
      const condition = selection.directives?.find(({ name }) => CONDITIONS.has(name.value));
      if (condition) {
        context.reportError(
          new GraphQLError(
            `The directive "@${condition.name.value}" cannot be used on the top level of a subscription.`,
            { nodes: condition },
          ),
        );
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) check(selection.selectionSet, seen);
      if (selection.kind === Kind.FRAGMENT_SPREAD && !seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        const fragment = context.getFragment(selection.name.value);
        if (fragment) check(fragment.selectionSet, seen);
      }
    }
  };
  return {
    OperationDefinition({ operation, selectionSet }) {
      if (operation === OperationTypeNode.SUBSCRIPTION) check(selectionSet, new Set());
    },
  };
};

/** A Yoga plugin for subscriptions: what is asked must be one field, and what is told must arrive at once. */
export function useSubscriptions(): Plugin {
  return {
    onValidate: ({ addValidationRule }) => addValidationRule(UnconditionalSubscriptionRule),
    onSubscribe({ args }) {
      const { lasts } = (args as { contextValue: { lasts?: () => void } }).contextValue;
      return { onSubscribeResult: () => lasts?.() };
    },
    onResponse({ response }) {
      // nginx gathers answers until a buffer is full.
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
        response.headers.set('X-Accel-Buffering', 'no');
      }
    },
  };
}
