import {
  getOperationAST,
  GraphQLError,
  Kind,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../domain/errors.ts';
import { mayRead, mayWrite, type Viewer } from '../domain/viewer.ts';

/** The names of the fields that an operation has at its root, whatever directives leave out of it. */
function rootFields(document: DocumentNode, operation: OperationDefinitionNode): Set<string> {
  const names = new Set<string>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      else spread.add(selection.name.value);
    }
  };
  collect(operation.selectionSet);
  // The set grows while it is walked through; each fragment is looked at once, however often it is spread.
  for (const name of spread) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name) {
        collect(definition.selectionSet);
      }
    }
  }
  return names;
}

/** What an operation is refused with, where its viewer's role does not go so far. */
function refusalOf({ document, operationName }: ExecutionArgs, viewer: Viewer) {
  const operation = getOperationAST(document, operationName);
  // Without an operation, the executor has something to say.
  if (!operation) return undefined;
  const isWriting = operation.operation === OperationTypeNode.MUTATION;
  if (isWriting ? mayWrite(viewer) : mayRead(viewer)) return undefined;
  // What the gateway can do may be asked by all whom it knows.
  if ([...rootFields(document, operation)].every((name) => name.startsWith('__'))) return undefined;
  const error = new GatewayError(
    'FORBIDDEN',
    isWriting ? 'A reader may not put data in.' : 'This key or token may only put data in.',
  );
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { ...error.extensions, http: { status: 403 } },
  });
}

/** A Yoga plugin that executes only what the role of the viewer allows. */
export function useRights(): Plugin<{ viewer: Viewer }> {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const refusal = refusalOf(args, args.contextValue.viewer);
      if (refusal) setResultAndStopExecution({ errors: [refusal] });
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const refusal = refusalOf(args, args.contextValue.viewer);
      if (refusal) setResultAndStopExecution({ errors: [refusal] });
    },
  };
}
