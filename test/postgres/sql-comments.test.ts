import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commentWithOperation } from '../../src/app/sql-comments.ts';
import { onBehalfOf } from '../../src/database/request.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let observer: pg.Client;
beforeAll(async () => {
  gateway = await createTestGateway({ environment: { GATEWAY_SQL_COMMENTS: 'on' } });
  observer = new pg.Client(gateway.database.url);
  await observer.connect();
});
afterAll(async () => {
  await observer?.end();
  await gateway?.close();
});

/** What each connection of the gateway has sent last. */
async function sent(): Promise<string[]> {
  const { rows } = await observer.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY state_change DESC`,
  );
  return rows.map(({ query }) => query);
}

const as = <T>(operation: string, work: () => T): T =>
  onBehalfOf({ requestId: '0', about: { operation } }, work);

/** Asks PostgreSQL for the text that it was sent. */
const askForText = (n: number) =>
  gateway.database.prisma.$queryRaw<
    { text: string; n: number }[]
  >`SELECT current_query() AS text, ${n}::int AS n`.then();

describe('the server is told', () => {
  it('which operation a statement is sent for', async () => {
    await gateway.gql('query Progress { campaigns { totalCount } }');
    expect((await sent())[0]).toMatch(/^\/\* operation='Progress' \*\/ SELECT concat\(/);
    await gateway.gql('{ campaigns { totalCount } }');
    expect((await sent())[0]).toMatch(/^\/\* operation='query' \*\/ SELECT concat\(/);
  });

  it('which route, where that is what was asked for', async () => {
    await gateway.inject({ url: '/statistics?annotationRequestId=ar-1' });
    expect((await sent())[0]).toMatch(/^\/\* operation='statistics' \*\/ SELECT/);
  });

  it('of what an export reads on a connection of its own as well', async () => {
    const readText = () =>
      gateway.database.snapshot((snapshot) =>
        snapshot.rows({ text: 'SELECT current_query()', values: [] }),
      );
    const about = { route: '/export/tasks' };
    expect(await onBehalfOf({ requestId: '0', about }, readText)).toEqual([
      ["/* operation='export_tasks' */ SELECT current_query()"],
    ]);
  });

  it('nothing of what is sent for nobody', async () => {
    const [{ text } = { text: '' }] = await askForText(1);
    expect(text).toMatch(/^SELECT current_query/);
  });
});

describe('statements', () => {
  it('are prepared once for each operation that sends them', async () => {
    const prepared = async () => {
      const rows = await gateway.database.prisma.$queryRaw<{ name: string; statement: string }[]>`
        SELECT name, statement FROM pg_prepared_statements WHERE statement LIKE '%current_query%'
          AND statement NOT LIKE '%pg_prepared%' AND statement LIKE '%operation=%'`;
      for (const { name } of rows) expect(name).toMatch(/^gateway_\d+$/);
      return rows.map(({ statement }) => statement.slice(0, 23)).sort();
    };
    for (const operation of ['One', 'Two', 'One', 'Two']) await as(operation, () => askForText(1));
    expect(await prepared()).toEqual(["/* operation='One' */ S", "/* operation='Two' */ S"]);
  });

  it('of many at once are each their own', async () => {
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const operation = `Many${n % 7}`;
        const rows = await as(operation, () => askForText(n));
        expect(rows).toEqual([
          { n, text: expect.stringContaining(`/* operation='${operation}' */ SELECT`) as string },
        ]);
      }),
    );
  });

  it('cannot be broken out of', async () => {
    const names = [`' */ DROP TABLE task; --`, `/* /* ' " \\ $$ é \n`, '', "*/ SELECT 'x"];
    for (const name of names) {
      const [{ text } = { text: '' }] = await as(name, () => askForText(1));
      expect(text).toMatch(/^\/\* operation='\w*' \*\/ SELECT current_query\(\)/);
    }
    expect(await gateway.gql('{ tasks { totalCount } }')).toEqual({ tasks: { totalCount: 0 } });
  });
});

it('a comment has nothing but a name in it, of which there are only so many', () => {
  const comments = new Set<string>();
  const commentOn = commentWithOperation();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (operation) => {
      const comment = commentOn({ requestId: '0', about: { operation } });
      expect(comment).toMatch(/^\/\* operation='[A-Za-z0-9_]*' \*\/ $/);
      comments.add(comment);
    }),
    { numRuns: 300 },
  );
  for (let n = 0; n < 200; n++) {
    comments.add(commentOn({ requestId: '0', about: { operation: `Q${n}` } }));
  }
  expect(comments.size).toBeLessThanOrEqual(101);
  expect(comments).toContain("/* operation='other' */ ");
});
