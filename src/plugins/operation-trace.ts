import { getOperationAST, type ExecutionArgs, type GraphQLError } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { RequestTrace } from '../domain/trace.ts';
import { errorsOf } from './incremental.ts';
import { nameOfOperation } from './operation-record.ts';

/**
 * A Yoga plugin that makes each operation a part of its request's trace. A subscription is one until its first event could
 * come; what is read for events is not: such a trace would have no end.
 * @param traceOf the trace of the request under way.
 * @param mask what callers are told of an error.
 */
export function useOperationTrace(
  traceOf: () => RequestTrace | undefined,
  mask: (error: unknown) => GraphQLError,
): Plugin {
  const begin = (args: unknown) => {
    const { document, operationName } = args as ExecutionArgs;
    const operation = getOperationAST(document, operationName);
    return operation && traceOf()?.operationBegins(operation.operation, nameOfOperation(operation));
  };
  const codesOf = (result: unknown) =>
    errorsOf(result as Parameters<typeof errorsOf>[0]).map((error) =>
      String(mask(error).extensions.code),
    );

  return {
    onExecute({ args }) {
      const end = begin(args);
      if (!end) return;
      const codes = new Set<string>();
      const note = ({ result }: { result: unknown }) =>
        codesOf(result).forEach((code) => codes.add(code));
      return {
        onExecuteDone({ result }) {
          if (isAsyncIterable(result)) return { onNext: note, onEnd: () => end([...codes]) };
          note({ result });
          end([...codes]);
        },
      };
    },
    onSubscribe({ args }) {
      const end = begin(args);
      if (!end) return;
      const trace = traceOf();
      return {
        onSubscribeResult({ result }) {
          if (isAsyncIterable(result)) trace?.lasts();
          else end(codesOf(result));
        },
        onSubscribeError: ({ error }) => end([String(mask(error).extensions.code)]),
      };
    },
  };
}
