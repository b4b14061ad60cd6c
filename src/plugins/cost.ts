import { GraphQLError, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { costOf, type Amount } from '../cost/cost.ts';
import { GatewayError } from '../domain/errors.ts';
import { addExtensions } from './extensions.ts';
import type { OperationRecord } from './operation-record.ts';

/** What an answer says of the cost of its operation, in points. */
interface CostExtensions extends Record<string, unknown> {
  readonly cost: { readonly requested: number; readonly maximum: number };
}

function refusalOf({ points, most, path }: Amount, maximum: number, status: number): GraphQLError {
  const error = new GatewayError(
    'COST_EXCEEDED',
    `The operation costs ${points} points, ${most} of them for "${path}"; the maximum here is ${maximum} (GATEWAY_MAX_COST). Ask for smaller pages, or for less of each row.`,
  );
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { ...error.extensions, http: { status } },
  });
}

/**
 * A Yoga plugin that works out what an operation costs before anything of it is executed, notes it for the log line, refuses
 * what costs more than the maximum, and tells the cost in the answer. Events of subscriptions do not tell it.
 */
export function useCost(maximum: number): Plugin {
  const weigh = (args: ExecutionArgs, status: number) => {
    const amount = costOf(args);
    // Without an operation, the executor has something to say.
    if (!amount) return {};
    const { access } = args.contextValue as { access?: OperationRecord };
    if (access) access.cost = amount.points;
    const extensions: CostExtensions = { cost: { requested: amount.points, maximum } };
    const refusal = amount.points > maximum && {
      errors: [refusalOf(amount, maximum, status)],
      extensions,
    };
    return { extensions, refusal };
  };

  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { extensions, refusal } = weigh(args, 400);
      if (refusal) setResultAndStopExecution(refusal);
      if (refusal || !extensions) return undefined;
      return {
        onExecuteDone({ result, setResult }) {
          setResult(addExtensions(result, extensions));
        },
      };
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      // Of an answer with another status, clients of event streams read nothing.
      const { refusal } = weigh(args, 200);
      if (refusal) setResultAndStopExecution(refusal);
    },
  };
}
