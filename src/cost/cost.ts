import { getOperationAST, type ExecutionArgs, type OperationDefinitionNode } from 'graphql';
import type { Amount } from './amount.ts';
import { compile, type Program } from './compile.ts';
import { evaluate } from './evaluate.ts';

export type { Amount } from './amount.ts';

/** What is known of operations, as long as their documents are kept: a program, or what it always comes to. */
const known = new WeakMap<OperationDefinitionNode, Program | Amount>();

type Asked = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/**
 * What a valid operation costs at most, in points.
 * @returns undefined where there is no such operation, which the executor has a word for.
 */
export function costOf({
  schema,
  document,
  operationName,
  variableValues,
}: Asked): Amount | undefined {
  const operation = getOperationAST(document, operationName);
  if (!operation) return undefined;
  let found = known.get(operation);
  if (!found) {
    const program = compile(schema, document, operation);
    found = program.varies ? program : evaluate(program, undefined);
    known.set(operation, found);
  }
  return 'selection' in found ? evaluate(found, variableValues) : found;
}
