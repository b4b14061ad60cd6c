import { getOperationAST, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { onErrors } from './incremental.ts';

/** A name is the caller's to choose; only so much of it goes into the log. */
const MAX_LOGGED_LENGTH = 100;

/** What a request's log line says of the operation. */
export interface OperationRecord {
  operation?: string;
  /** The codes of the errors in the answer, each once. */
  errorCodes?: string[];
}

/** A Yoga plugin that notes what a request asked for, and how it went, for its log line. */
export function useOperationRecord(): Plugin<object, { access: OperationRecord }> {
  return {
    onExecute({ args, context }) {
      const { document, operationName } = args as ExecutionArgs;
      const operation = getOperationAST(document, operationName);
      const { access } = context as unknown as { access?: OperationRecord };
      if (access && operation) {
        access.operation = (operation.name?.value ?? `(${operation.operation})`).slice(
          0,
          MAX_LOGGED_LENGTH,
        );
      }
    },
    onResultProcess(processed) {
      const { access } = processed.serverContext;
      onErrors(processed, (errors) => {
        const codes = errors.map(({ extensions }) => String(extensions?.code));
        access.errorCodes = [...new Set([...(access.errorCodes ?? []), ...codes])];
      });
    },
  };
}
