import { expect } from 'vitest';

interface Page<Node> {
  totalCount: number;
  nodes: Node[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/** What to ask of a page, with the fields of its nodes. */
export const pageSelection = (fields: string) =>
  `{ totalCount nodes { ${fields} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;

/** What a list has: how many in all, and its nodes, or the first of them. */
interface Listed {
  totalCount: number;
  nodes: readonly unknown[];
}

/**
 * Reads a list page by page, forward and backward, and holds it against what it must have.
 * @param read asks for one page by its arguments, and gives what `pageSelection` selects of it.
 * @param size of a page; there must be more than one.
 */
export async function expectPages(
  { totalCount, nodes }: Listed,
  size: number,
  read: (page: string) => Promise<unknown>,
): Promise<void> {
  expect(totalCount).toBeGreaterThan(size);
  for (const backward of [false, true]) {
    const walked: unknown[] = [];
    let cursor = '';
    for (let more = true; more;) {
      const at = cursor && `, ${backward ? 'before' : 'after'}: "${cursor}"`;
      const page = (await read(`${backward ? 'last' : 'first'}: ${size}${at}`)) as Page<unknown>;
      const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
      expect(page.totalCount).toBe(totalCount);
      expect(backward ? hasNextPage : hasPreviousPage).toBe(cursor !== '');
      walked.splice(backward ? 0 : walked.length, 0, ...page.nodes);
      more = backward ? hasPreviousPage : hasNextPage;
      cursor = (backward ? startCursor : endCursor) ?? '';
    }
    expect(walked).toHaveLength(totalCount);
    expect(new Set(walked.map((node) => JSON.stringify(node))).size).toBe(totalCount);
    expect(walked.slice(0, nodes.length)).toEqual(nodes);
  }
}
