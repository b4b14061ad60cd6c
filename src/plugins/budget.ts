import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { RateLimitedError, type Account } from '../domain/budget/account.ts';
import { addExtensions } from './extensions.ts';
import type { OperationRecord } from './operation-record.ts';

/** What a request is charged to; absent where nothing may be executed. */
export interface ChargedRequest {
  account?: Account | undefined;
}

function refusalOf(error: RateLimitedError) {
  const { message, extensions, retryAfterSeconds, standing } = error;
  const refusal = new GraphQLError(message, {
    originalError: error,
    extensions: { ...extensions, retryAfterSeconds, http: { status: 429 } },
  });
  return { errors: [refusal], extensions: { rateLimit: standing } };
}

/** Pays for an operation. @returns what its answer says of that, or why it has none. */
async function pay(context: unknown) {
  const { account, access } = context as ChargedRequest & { access?: OperationRecord };
  if (!access?.cost) return {};
  try {
    const rateLimit = await account?.spend(access.cost);
    return { extensions: rateLimit && { rateLimit } };
  } catch (error) {
    if (error instanceof RateLimitedError) return { refusal: refusalOf(error) };
    throw error;
  }
}

/**
 * A Yoga plugin that charges the cost of an operation before anything of it is executed, and executes nothing that the
 * budget of the caller does not have. It stands behind what works out the cost. A subscription is charged once.
 */
export function useBudget(): Plugin {
  return {
    async onExecute({ context, setResultAndStopExecution }) {
      const { refusal, extensions } = await pay(context);
      if (refusal) setResultAndStopExecution(refusal);
      if (!extensions) return undefined;
      return {
        onExecuteDone: ({ result, setResult }) => setResult(addExtensions(result, extensions)),
      };
    },
    async onSubscribe({ args, setResultAndStopExecution }) {
      const { refusal } = await pay((args as { contextValue: unknown }).contextValue);
      if (refusal) setResultAndStopExecution(refusal);
    },
  };
}
