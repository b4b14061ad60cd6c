import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Server } from '../../support/process.ts';

/** What a process is started with to be looked into. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** What a process holds at a moment when it has nothing to do. */
export interface Held {
  /** Megabytes of the heap, without garbage. */
  heapMb: number;
  /** What keeps its event loop going, by type. */
  resources: Record<string, number>;
}

/** Opens the inspector of a process that was started with {@link INSPECTABLE}. */
export async function inspect({ stderr }: Server) {
  const [address] = /ws:\/\/\S+/.exec(stderr)!;
  const socket = new WebSocket(address);
  await once(socket, 'open');
  let calls = 0;
  const call = async <Result>(method: string, params: object = {}): Promise<Result> => {
    const id = ++calls;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [data] = (await once(socket, 'message')) as [Buffer];
      const answer = JSON.parse(data.toString()) as { id?: number; result: Result };
      if (answer.id === id) return answer.result;
    }
  };
  return {
    async measure(): Promise<Held> {
      // What the first collection lets go of may hold more that only the second finds.
      for (let time = 0; time < 2; time++) await call('HeapProfiler.collectGarbage');
      const { usedSize } = await call<{ usedSize: number }>('Runtime.getHeapUsage');
      const { result } = await call<{ result: { value: string[] } }>('Runtime.evaluate', {
        expression: 'process.getActiveResourcesInfo()',
        returnByValue: true,
      });
      const resources: Record<string, number> = {};
      for (const type of result.value) resources[type] = (resources[type] ?? 0) + 1;
      return { heapMb: usedSize / 2 ** 20, resources };
    },
    close: () => socket.close(),
  };
}
