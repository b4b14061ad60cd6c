import {
  getOperationAST,
  type ExecutionArgs,
  type GraphQLError,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { onErrors } from './incremental.ts';

/** A name is the caller's to choose; only so much of it goes into the log, or a trace. */
const MAX_LENGTH = 100;

/** What an operation is called; undefined where it has no name. */
export function nameOfOperation({ name }: OperationDefinitionNode): string | undefined {
  return name?.value.slice(0, MAX_LENGTH);
}

/** What a request's log line says of the operation. */
export interface OperationRecord {
  operation?: string;
  operationType?: `${OperationTypeNode}`;
  /** What it costs, in points. */
  cost?: number;
  /** The codes of the errors in the answer, each once. */
  errorCodes?: string[];
}

export function noteErrors(access: OperationRecord, errors: readonly GraphQLError[]): void {
  if (errors.length === 0) return;
  const codes = errors.map(({ extensions }) => String(extensions?.code));
  access.errorCodes = [...new Set([...(access.errorCodes ?? []), ...codes])];
}

/** Notes which operation a request is about. */
export function noteOperation(access: OperationRecord, operation: OperationDefinitionNode): void {
  access.operationType = operation.operation;
  access.operation = nameOfOperation(operation) ?? `(${operation.operation})`;
}

/** A Yoga plugin that notes what a request asked for, and how it went, for its log line. */
export function useOperationRecord(): Plugin<object, { access: OperationRecord }> {
  const note = ({ args, context }: { args: unknown; context: unknown }) => {
    const { document, operationName } = args as ExecutionArgs;
    const operation = getOperationAST(document, operationName);
    const { access } = context as { access?: OperationRecord };
    if (access && operation) noteOperation(access, operation);
  };
  return {
    onExecute: note,
    onSubscribe: ({ args }) => note({ args, context: args.contextValue }),
    onResultProcess(processed) {
      const { access } = processed.serverContext;
      onErrors(processed, (errors) => noteErrors(access, errors));
    },
  };
}
