import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/process.ts';
import { FAULT_TIMEOUT_MS, isFull, underLoad } from './support/fault.ts';
import { MAX_MEMORY_MB, memoryMb } from './support/memory.ts';
import { createStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await createStage();
});
afterAll(() => stage?.close());

it(
  'gateway killed',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['lost', 'cut', 'unavailable'],
      hasKeys: false,
      async strike() {
        // At some moment of the two imports and the mutation that are under way.
        await sleep(Math.random() * 1000);
        expect(await stage.restart('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      },
    });
  },
  FAULT_TIMEOUT_MS,
);

it(
  'gateway stopped',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['lost', 'broken', 'unavailable'],
      async strike() {
        expect(await stage.restart('SIGTERM')).toEqual({ code: 0, signal: null });
      },
    });
  },
  FAULT_TIMEOUT_MS,
);

/** What connections say that stay open, how many there are of each kind, and within how long they must be closed. */
const SLOW = [
  { head: 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n', count: 1600, closedWithinMs: 45_000 },
  { head: 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ', count: 300, closedWithinMs: 60_000 },
  {
    head: 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{',
    count: 200,
    closedWithinMs: 90_000,
  },
] as const;

it(
  '2,100 idle and slow connections',
  async (context) => {
    let mb = 0;
    const result = await underLoad(stage, context, {
      // So many at once make it late for a moment.
      mayFail: ['unavailable'],
      async strike(load) {
        const opened = await Promise.all(
          SLOW.map(async ({ head, count, closedWithinMs }) => {
            const { port } = stage.gateway;
            const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
            await Promise.all(sockets.map((socket) => once(socket, 'connect')));
            for (const socket of sockets)
              socket
                .on('error', () => {})
                .resume()
                .write(head);
            return { sockets, closedWithinMs, since: performance.now() };
          }),
        );
        const slow = opened.slice(1).flatMap(({ sockets }) => sockets);
        const timer = setInterval(() => slow.forEach((socket) => socket.write(' ')), 1000);
        try {
          await load.recovers(performance.now());
          mb = Math.max(mb, await memoryMb(stage.gateway));
          for (const { sockets, closedWithinMs, since } of isFull ? opened : opened.slice(0, 1)) {
            const timeoutMs = closedWithinMs - (performance.now() - since);
            await eventually(
              () => expect(sockets.filter((socket) => !socket.closed)).toHaveLength(0),
              { timeoutMs },
            );
          }
        } finally {
          clearInterval(timer);
          for (const { sockets } of opened) for (const socket of sockets) socket.destroy();
        }
      },
    });
    result.notes = `${mb.toFixed(0)} MB`;
    expect(mb).toBeLessThan(MAX_MEMORY_MB);
  },
  FAULT_TIMEOUT_MS,
);
