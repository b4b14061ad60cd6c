import { createHash } from 'node:crypto';
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import {
  IDEMPOTENCY_KEY,
  IDEMPOTENT_REPLAYED,
  isIdempotencyKey,
  runOnce,
  type ClaimKey,
} from '../domain/idempotency.ts';
import { inOneAnswer } from './incremental.ts';

/** What a request says of its repetition. */
export interface IdempotentRequest {
  idempotencyKey?: string | undefined;
  body?: string | undefined;
}

type Execute = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;

async function executeOnce(
  claimKey: ClaimKey,
  key: string,
  body: string,
  execute: () => ReturnType<Execute>,
): Promise<ExecutionResult> {
  // The HTTP status is the one that POST /import gives.
  const problem = (status: number, message: string) =>
    new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http: { status } } });
  if (!isIdempotencyKey(key)) {
    throw problem(400, `The header ${IDEMPOTENCY_KEY} must be 1 to 255 visible ASCII characters.`);
  }
  const once = await runOnce<ExecutionResult>(claimKey, {
    key,
    purpose: 'mutation',
    fingerprint: () => createHash('sha256').update(body).digest('hex'),
    run: async () => {
      const result = await execute();
      return { result, answer: result.errors?.length ? undefined : JSON.stringify(result.data) };
    },
  });
  switch (once.state) {
    case 'new':
      return once.result;
    case 'repeated':
      return {
        data: JSON.parse(once.answer) as Record<string, unknown>,
        extensions: { http: { headers: { [IDEMPOTENT_REPLAYED]: 'true' } } },
      };
    case 'running':
      throw problem(
        409,
        `A request with this ${IDEMPOTENCY_KEY} is still under way; repeat it later.`,
      );
    case 'other':
      throw problem(
        422,
        `This ${IDEMPOTENCY_KEY} was used for another request; choose another key.`,
      );
  }
}

/**
 * A Yoga plugin that executes a mutation with a key once and gives its answer to repeats.
 * @param claimKey takes a key; undefined where there are no mutations to execute.
 */
export function useIdempotency(claimKey: () => ClaimKey | undefined): Plugin {
  return {
    onExecute({ args, context, executeFn, setExecuteFn }) {
      const { idempotencyKey: key, body = '' } = context as unknown as IdempotentRequest;
      const { document, operationName } = args as ExecutionArgs;
      const claim = claimKey();
      const isMutation =
        getOperationAST(document, operationName)?.operation === OperationTypeNode.MUTATION;
      if (key === undefined || !claim || !isMutation) return;
      const execute = executeFn as Execute;
      const executeKeyed: Execute = (given) =>
        // What is kept is one answer.
        executeOnce(claim, key, body, () =>
          execute({ ...given, document: inOneAnswer(given.document) }),
        );
      setExecuteFn(executeKeyed as typeof executeFn);
    },
  };
}
