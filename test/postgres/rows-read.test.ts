import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestGateway } from '../support/gateway.ts';
import {
  createMillion,
  RECORDS,
  REQUESTS,
  requestIds,
  TASKS,
  type Million,
} from '../support/million.ts';
import { measureWork, type SentStatement, type Work } from '../support/plans.ts';

let million: Million;
let gateway: TestGateway;
let client: pg.Client;
let sent: SentStatement[];

beforeAll(async () => {
  million = await createMillion();
  ({ gateway, client, sent } = million);
});
afterAll(() => million?.close());

interface Case {
  requests: number;
  size: number;
  /** Pages are numbered from 1. */
  page: number;
}

/** The first page and one in the middle, of the smallest usual and the largest size, for few and for many requests. */
function cases(largest: number, rowsOfRequest: number): Case[] {
  return [1, 2, 50, 1000].flatMap((requests) =>
    [10, largest].flatMap((size) => {
      const middle = Math.ceil((requests * rowsOfRequest) / size / 2);
      return [...new Set([1, middle])].map((page) => ({ requests, size, page }));
    }),
  );
}

type Mode = 'force_custom_plan' | 'force_generic_plan';

/** Asks a REST route, then runs each statement that it sent once more to see what it reads. */
async function ask(path: string, { requests }: Case, mode: Mode) {
  // The newest: those at the far end of every walk in the order of the ids.
  const ids = await requestIds(client, REQUESTS - requests + 1, REQUESTS);
  const query = ids.map((id) => `annotationRequestId=${id}`).join('&');
  sent.length = 0;
  const { envelope } = await gateway.rest({ url: `${path}&${query}` });
  expect(envelope.code).toBe(2000);
  const total: Work = { rows: {}, wholeTables: [], pages: 0 };
  for (const statement of sent) {
    const work = await measureWork(client, statement, mode);
    for (const [table, rows] of Object.entries(work.rows)) {
      total.rows[table] = (total.rows[table] ?? 0) + rows;
    }
    total.wholeTables.push(...work.wholeTables);
    total.pages += work.pages;
  }
  return { data: envelope.data, work: total };
}

/** Rows that a page skips, and those it holds. */
function extent({ requests, size, page }: Case, rowsOfRequest: number) {
  const skipped = (page - 1) * size;
  return { skipped, held: Math.min(size, requests * rowsOfRequest - skipped) };
}

/**
 * How many rows finding a page and then reading it may take: the first page of one request is read in place; of any
 * other the ids are found first, for which each request's next one is looked at.
 */
function rowsOfPage({ requests }: Case, { skipped, held }: { skipped: number; held: number }) {
  return requests === 1 && skipped === 0 ? held : skipped + held + requests + held;
}

/** An index that is walked from end to end shows in no row, but in the pages it has. */
function expectFewPages({ rows, pages }: Work, requests: number): void {
  const found = Object.values(rows).reduce((sum, n) => sum + n, 0);
  expect(pages).toBeLessThanOrEqual(5 * (found + requests));
}

describe.each<Mode>(['force_custom_plan', 'force_generic_plan'])('with %s', (mode) => {
  it.each(cases(100, TASKS))(
    'GET /statistics of $requests requests, $size a page, page $page',
    async (one) => {
      const { skipped, held } = extent(one, TASKS);
      const path = `/statistics?limit=${one.size}&offset=${one.page}`;
      const { data, work } = await ask(path, one, mode);
      const counted = one.requests * TASKS;
      expect(data).toMatchObject({ count: counted });
      expect((data as { data: unknown[] }).data).toHaveLength(held);
      expect(work.rows.task).toBeLessThanOrEqual(counted + rowsOfPage(one, { skipped, held }));
      expect(work.rows).not.toHaveProperty('annotation_history');
      expect(work.wholeTables).not.toContain('task');
      expectFewPages(work, one.requests);
    },
  );

  it.each(cases(1000, TASKS * RECORDS))(
    'GET /statistics/record of $requests requests, $size a page, page $page',
    async (one) => {
      const { skipped, held } = extent(one, TASKS * RECORDS);
      const path = `/statistics/record?pageSize=${one.size}&pageNumber=${one.page}`;
      const { data, work } = await ask(path, one, mode);
      expect(data).toHaveLength(held);
      const { annotation_history: records, task: tasks = 0 } = work.rows;
      expect(records).toBeLessThanOrEqual(rowsOfPage(one, { skipped, held }));
      // A record's task is looked up by its key, for those the page holds only.
      expect(tasks).toBeLessThanOrEqual(held);
      expect(work.wholeTables).not.toContain('annotation_history');
      expect(work.wholeTables).not.toContain('task');
      expectFewPages(work, one.requests);
    },
  );
});

it('would notice a statement that reads the rows of everybody', async () => {
  const sql = `SELECT id FROM annotation_history WHERE annotation_request_id || '' = $1 ORDER BY id LIMIT 10`;
  const work = await measureWork(client, { sql, parameters: ['none'] }, 'force_custom_plan');
  expect(work.rows.annotation_history).toBeGreaterThanOrEqual(REQUESTS * TASKS * RECORDS);
});
