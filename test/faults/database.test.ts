import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/process.ts';
import { FAULT_TIMEOUT_MS, isFull, underLoad } from './support/fault.ts';
import { createStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await createStage();
});
afterAll(() => stage?.close());

/** Ends connections of the gateway, each with some probability. */
const END_CONNECTIONS = (share: number) =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
   WHERE application_name = 'rosetta-gateway' AND random() < ${share}`;

it(
  'connections killed at random',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['unavailable', 'broken', 'running'],
      async strike() {
        for (let cut = 0; cut < 40; cut++) {
          await stage.query(END_CONNECTIONS(0.3));
          await sleep(100);
        }
      },
    });
  },
  FAULT_TIMEOUT_MS,
);

for (const mode of ['immediate', 'fast'] as const) {
  it(
    `server restarted (${mode})`,
    async (context) => {
      await underLoad(stage, context, {
        mayFail: ['unavailable', 'broken', 'running'],
        async strike() {
          await stage.cluster.stop(mode);
          await sleep(1000);
          await stage.cluster.start();
        },
      });
    },
    FAULT_TIMEOUT_MS,
  );
}

it(
  'server paused',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['unavailable', 'broken', 'running', 'timeout'],
      mayLog: ({ err }) => /timeout/.test((err as Error).message),
      async strike() {
        await stage.cluster.pause();
        // Whole, now less and now more than a statement may take.
        await sleep(isFull ? 1000 + Math.random() * 8000 : 4500);
        await stage.cluster.resume();
      },
    });
  },
  FAULT_TIMEOUT_MS,
);

it(
  'password changed',
  async (context) => {
    const { password } = new URL(stage.cluster.url);
    await underLoad(stage, context, {
      mayFail: ['unavailable', 'broken', 'running'],
      async strike() {
        // Whoever is connected stays so.
        const client = new pg.Client(stage.cluster.url);
        await client.connect();
        try {
          await client.query(`ALTER ROLE postgres PASSWORD '${randomUUID()}'`);
          await client.query(END_CONNECTIONS(1));
          await sleep(2000);
          await client.query(`ALTER ROLE postgres PASSWORD '${password}'`);
        } finally {
          await client.end();
        }
      },
    });
  },
  FAULT_TIMEOUT_MS,
);

it(
  'disk full',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['unavailable', 'broken', 'running'],
      async strike(load) {
        const refused = () => load.failures.get('unavailable') ?? 0;
        const before = refused();
        await stage.cluster.fillDisk();
        try {
          await eventually(() => expect(refused()).toBeGreaterThan(before + 4), {
            timeoutMs: 30_000,
          });
        } finally {
          await stage.cluster.clearDisk();
        }
      },
    });
    expect(stage.gateway.stdout).toContain('53100');
  },
  FAULT_TIMEOUT_MS,
);

it(
  'time zone of server, database and role changed',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['unavailable', 'broken', 'running'],
      async strike(load) {
        const owners = ['SYSTEM', 'DATABASE postgres', 'ROLE postgres'];
        for (const owner of owners) {
          await stage.query(`ALTER ${owner} SET timezone = 'Asia/Shanghai'`);
        }
        await stage.query('SELECT pg_reload_conf()');
        expect(await stage.query('SHOW timezone')).toEqual([{ TimeZone: 'Asia/Shanghai' }]);
        await stage.query(END_CONNECTIONS(1));
        await load.recovers(performance.now());
        for (const owner of owners) await stage.query(`ALTER ${owner} RESET timezone`);
      },
    });
  },
  FAULT_TIMEOUT_MS,
);
