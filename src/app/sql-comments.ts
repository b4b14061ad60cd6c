import type { CommentOn } from '../database/comments.ts';
import { boundedLabels } from '../metrics/labels.ts';

/** How many names of operations are told apart: PostgreSQL prepares a statement for each of those that send it. */
const MAX_NAMES = 100;

/**
 * Says in a comment which operation a statement is sent for, or which route that has none. Callers choose the names of their
 * operations: nothing of them gets into SQL but letters, digits and underscores.
 */
export function commentWithOperation(): CommentOn {
  const labelOf = boundedLabels(MAX_NAMES);
  return (request) => {
    const name = request?.about.operation ?? request?.about.route;
    if (name === undefined) return '';
    const words = labelOf(name).match(/[A-Za-z0-9_]+/g) ?? [];
    return `/* operation='${words.join('_')}' */ `;
  };
}
