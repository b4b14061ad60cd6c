import {
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type OperationDefinitionNode,
} from 'graphql';
import type { AttemptedRequest } from '../compiled/plugin.ts';
import { costOf } from '../cost/cost.ts';
import { currentRequest } from '../database/request.ts';
import type { Account } from '../domain/budget/account.ts';
import type { Standing } from '../domain/budget/budgets.ts';
import { mayRead, type Viewer } from '../domain/viewer.ts';
import type { ChargedRequest } from '../plugins/budget.ts';
import { nameOfOperation } from '../plugins/operation-record.ts';

/** An operation that a statement is ready to answer. */
export interface Prepared<Answer> {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** What it costs. */
  readonly points: number;
  readonly run: () => Promise<Answer>;
}

/** Who may ask for what. */
interface Bounds {
  readonly viewer: Viewer;
  /** Points that an operation may cost. */
  readonly maxCost: number;
}

/**
 * Makes an operation ready to be answered by a statement.
 * @param prepare makes ready what answers it; undefined where that is no statement.
 * @returns undefined where it is for the executor, or there is something to say about it, which that does.
 */
export function ready<Answer>(
  args: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>,
  { viewer, maxCost }: Bounds,
  prepare: () => Prepared<Answer>['run'] | undefined,
): Prepared<Answer> | undefined {
  const { document, operationName } = args;
  const cost = costOf(args);
  if (!mayRead(viewer) || !cost || cost.points > maxCost) return undefined;
  const run = prepare();
  const operation = getOperationAST(document, operationName)!;
  return run && { document, operation, points: cost.points, run };
}

/** What an attempt at an operation came to: an answer, or what whoever executes it instead has to know of it. */
export type Attempted<Answer> =
  | { readonly answer: Answer; readonly rateLimit: Standing | undefined }
  | { readonly left: AttemptedRequest & ChargedRequest };

/** An account that is asked once: whoever asks again is told the same. */
function payingOnce(account: Account): Account {
  let tell: (() => ReturnType<Account['spend']>) | undefined;
  const ask = (points: number): typeof tell => {
    try {
      const spending = account.spend(points);
      return () => spending;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  };
  return {
    spend: (points) => (tell ??= ask(points))!(),
    charge: (points) => account.charge(points),
  };
}

/** Pays for an operation and answers it. Never rejects: what goes wrong is for the executor to say. */
export async function attempt<Answer>(
  { operation, points, run }: Prepared<Answer>,
  account: Account | undefined,
): Promise<Attempted<Answer>> {
  const paying = account && payingOnce(account);
  try {
    // What costs nothing is not charged, and its answer tells of no budget.
    const spending = points > 0 ? paying?.spend(points) : undefined;
    const rateLimit = spending instanceof Promise ? await spending : spending;
    const trace = currentRequest()?.trace;
    // Whoever executes what is left goes on with it in the trace.
    const end = trace?.operationBegins(operation.operation, nameOfOperation(operation));
    const answer = await run();
    end?.([]);
    return { answer, rateLimit };
  } catch (error) {
    return { left: { account: paying, attempt: error as Error } };
  }
}
