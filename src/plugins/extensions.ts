import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, mapAsyncIterator } from 'graphql-yoga';

/** Adds to what an answer says of itself; of one in parts, to the first. */
export function addExtensions<Answer>(answer: Answer, extensions: Record<string, unknown>): Answer {
  const add = (part: ExecutionResult): ExecutionResult => ({
    ...part,
    extensions: { ...part.extensions, ...extensions },
  });
  if (!isAsyncIterable<ExecutionResult>(answer)) return add(answer as ExecutionResult) as Answer;
  let isAdded = false;
  return mapAsyncIterator(answer, (part) => {
    if (isAdded) return part;
    isAdded = true;
    return add(part);
  }) as Answer;
}
