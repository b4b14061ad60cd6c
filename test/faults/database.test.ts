import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, it } from 'vitest';
import { FAULT_TIMEOUT_MS, underLoad } from './support/fault.ts';
import { createStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await createStage();
});
afterAll(() => stage?.close());

it(
  'connections killed at random',
  async (context) => {
    await underLoad(stage, context, {
      mayFail: ['unavailable', 'broken', 'running'],
      async strike() {
        for (let cut = 0; cut < 40; cut++) {
          await stage.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'rosetta-gateway' AND random() < 0.3`,
          );
          await sleep(100);
        }
      },
    });
  },
  FAULT_TIMEOUT_MS,
);
