import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import pino from 'pino';
import { expect, it } from 'vitest';
import { createHttpServer } from '../src/app/server.ts';
import { createMetrics } from '../src/metrics/metrics.ts';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

it.each(['end', 'resetAndDestroy'] as const)(
  'each answer of a connection hears once that it is lost, those that wait for their turn too: %s',
  async (hangUp) => {
    const answers: ServerResponse[] = [];
    const closes: number[] = [];
    const server = createHttpServer(
      { maxHeaderBytes: 16_384, timeZone: 'UTC' },
      {
        handle(_req, res) {
          const index = answers.push(res) - 1;
          closes.push(0);
          res.on('close', () => closes[index]!++);
        },
        upgrade: () => false,
      },
      pino({ level: 'silent' }),
      createMetrics('test'),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.write(GET.repeat(4));
      await expect.poll(() => answers.length).toBe(4);
      // The first has its answer; the second is the one whose turn it is.
      answers[0]!.end();
      await once(socket, 'data');
      socket[hangUp]();
      server.closeAllConnections();
      await expect.poll(() => closes).toEqual([1, 1, 1, 1]);
      await turn();
      expect(closes).toEqual([1, 1, 1, 1]);
    } finally {
      server.close();
    }
  },
);
