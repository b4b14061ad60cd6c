import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { importText, PARENTS, work } from '../support/import.ts';
import { slowPost } from '../support/ingest.ts';
import { endPrograms, startServer, type Server } from '../support/process.ts';

let database: TestDatabase;
let locker: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  await importText(database, PARENTS);
  locker = new pg.Client(database.url);
  await locker.connect();
});
afterAll(async () => {
  await endPrograms();
  await locker.end();
  await database.close();
});

async function start(): Promise<Server> {
  const server = await startServer({
    DATABASE_URL: database.url!,
    GATEWAY_INGEST: 'on',
    GATEWAY_SHUTDOWN_TIMEOUT: '1500',
    GATEWAY_STATEMENT_TIMEOUT: '60000',
  });
  await server.waitForLog('ready');
  return server;
}

/** Stops the gateway as an orchestrator does. @returns the seconds it took. */
async function stop(server: Server): Promise<number> {
  const started = performance.now();
  expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(server.stderr).toBe('');
  return (performance.now() - started) / 1000;
}

describe('stopping', () => {
  it('ends an import that never ends, with an answer', async () => {
    const server = await start();
    const { post, answer } = slowPost(server.port, '/import');
    post.on('error', () => undefined);
    // It goes on sending whatever it is told.
    const lines = work(2000, 0);
    const sending = setInterval(() => post.write(`${lines.splice(0, 10).join('\n')}\n`), 10);
    await expect.poll(() => database.prisma.task.count()).toBeGreaterThan(490);
    const [{ status, headers }, seconds] = await Promise.all([answer, stop(server)]);
    clearInterval(sending);
    expect(status).toBe(503);
    const [, done] = /stopping; (\d+) lines/.exec(String(headers['x-import-error']))!;
    expect(await database.prisma.task.count()).toBe(Number(done));
    expect(seconds).toBeLessThan(30);
  });

  it('waits for no statement that takes longer than it may', async () => {
    const server = await start();
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE task, campaign IN ACCESS EXCLUSIVE MODE');
    const { post, answer } = slowPost(server.port, '/import');
    post.end(PARENTS.join('\n'));
    const read = fetch(`${server.url}/graphql?query={tasks{totalCount}}`);
    const failed = Promise.all([
      expect(answer).rejects.toThrow(),
      expect(read).rejects.toThrow('fetch failed'),
    ]);
    await expect
      .poll(async () => {
        const waiting = await database.prisma.$queryRaw<unknown[]>`
          SELECT 1 FROM pg_stat_activity
          WHERE wait_event_type = 'Lock' AND datname = current_database()`;
        return waiting.length;
      })
      .toBe(2);
    const seconds = await stop(server);
    await locker.query('ROLLBACK');
    await failed;
    expect(seconds).toBeGreaterThan(1.4);
    expect(seconds).toBeLessThan(30);
  });
});
