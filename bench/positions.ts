/**
 * Where the pages of the long list begin that are asked for.
 */
import { query } from './data.ts';
import { ask, type TestedServer } from './servers.ts';
import { dataOf, LONG_LIST, type Positions } from './shapes.ts';

const ROWS = 1000;

/** Walks to the last rows before those pages, and takes down the cursor of each. */
async function walk(
  server: TestedServer,
  first: number,
  text: (after: string) => string,
): Promise<string[]> {
  const { pageSize, pages } = LONG_LIST;
  const cursors: string[] = [];
  let after: string | null = null;
  for (let read = 0; read < (first + pages) * pageSize; read += ROWS) {
    const body = JSON.stringify({
      query: text(after === null ? '' : `, after: ${JSON.stringify(after)}`),
    });
    const answer = await ask(server, { method: 'POST', path: '/graphql', body });
    const { records } = dataOf(answer) as { records: { edges: { cursor: string }[] } };
    const page: string[] = records.edges.map(({ cursor }) => cursor);
    cursors.push(...page);
    after = page.at(-1)!;
  }
  return Array.from({ length: pages }, (_, n) => cursors[(first + n) * pageSize - 1]!);
}

export async function findPositions(
  url: string,
  gateway: TestedServer,
  postgraphile: TestedServer,
): Promise<Positions> {
  const { pageSize, page, pages, actionType } = LONG_LIST;
  const [counted] = await query<{ rows: number }>(
    url,
    `SELECT count(*)::int AS rows FROM annotation_history WHERE action_type = ${actionType}`,
  );
  // A small data set has no page so far away.
  const last = Math.floor(counted!.rows / pageSize) - pages - 1;
  const first = Math.min(page - pages / 2, last);
  const rows = await query<{ at: string; id: string }>(
    url,
    `SELECT at, id FROM (SELECT to_char(created_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, id::text,
        row_number() OVER (ORDER BY created_time DESC, id DESC) AS place
      FROM annotation_history WHERE action_type = ${actionType}) AS numbered
    WHERE place % ${pageSize} = 0 AND place / ${pageSize} >= ${first} AND place / ${pageSize} < ${first + pages} ORDER BY place`,
  );
  return {
    floor: rows.map(({ at, id }) => [at, id] as const),
    gateway: await walk(
      gateway,
      first,
      (after) =>
        `{ records: annotationHistory(filter: { actionCode: { eq: ${actionType} } }, orderBy: [{ field: CREATED_TIME, direction: DESC }, { field: RECORD_ID, direction: DESC }], first: ${ROWS}${after}) { edges { cursor } } }`,
    ),
    postgraphile: await walk(
      postgraphile,
      first,
      (after) =>
        `{ records: allAnnotationHistories(condition: { actionType: ${actionType} }, orderBy: [CREATED_TIME_DESC, ROW_ID_DESC], first: ${ROWS}${after}) { edges { cursor } } }`,
    ),
  };
}
