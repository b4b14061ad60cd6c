import pg from 'pg';

/** A statement as the gateway sent it. */
export interface SentStatement {
  sql: string;
  parameters: unknown[];
}

/** What running a statement took, summed over the nodes of its plan. */
export interface Work {
  /** Rows read from each table, those that a filter threw away included. */
  rows: Record<string, number>;
  /** Tables that were read from end to end. */
  wholeTables: string[];
  /** Pages of 8 KiB touched, those of indexes included. */
  pages: number;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

function addWork(work: Work, node: PlanNode): Work {
  const table = node['Relation Name'];
  if (table !== undefined) {
    const removed =
      (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
    const rows = (node['Actual Rows'] + removed) * node['Actual Loops'];
    work.rows[table] = (work.rows[table] ?? 0) + rows;
    if (node['Node Type'] === 'Seq Scan') work.wholeTables.push(table);
  }
  for (const child of node.Plans ?? []) addWork(work, child);
  return work;
}

function toLiteral(value: unknown): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) {
    return pg.escapeLiteral(`{${value.map((item) => JSON.stringify(item)).join(',')}}`);
  }
  return pg.escapeLiteral(typeof value === 'string' ? value : JSON.stringify(value));
}

/**
 * Runs a statement again, prepared as the gateway prepares it, and tells what it read.
 * @param planCacheMode PostgreSQL turns from plans made for the parameters to one that is made for any after a few
 *   executions; both have to be good.
 */
export async function measureWork(
  client: pg.Client,
  { sql, parameters }: SentStatement,
  planCacheMode: 'force_custom_plan' | 'force_generic_plan',
): Promise<Work> {
  await client.query(`SET plan_cache_mode = ${planCacheMode}`);
  await client.query(`PREPARE measured AS ${sql}`);
  try {
    const values = parameters.length > 0 ? `(${parameters.map(toLiteral).join(', ')})` : '';
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE measured${values}`,
    );
    const [{ Plan: plan }] = rows[0]!['QUERY PLAN'];
    const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    return addWork({ rows: {}, wholeTables: [], pages }, plan);
  } finally {
    await client.query('DEALLOCATE measured');
  }
}

/** What running statements again took, all together: how many records were read, and which tables from end to end. */
export async function measureRecords(
  client: pg.Client,
  statements: readonly SentStatement[],
  planCacheMode: Parameters<typeof measureWork>[2],
): Promise<{ records: number; wholeTables: string[] }> {
  const work = { records: 0, wholeTables: [] as string[] };
  for (const statement of statements) {
    const { rows, wholeTables } = await measureWork(client, statement, planCacheMode);
    work.records += rows.annotation_history ?? 0;
    work.wholeTables.push(...wholeTables);
  }
  return work;
}
