import type { TestContext } from 'vitest';
import { expect } from 'vitest';
import { eventually, type LogLine, type Server } from '../../support/process.ts';
import { type FailureKind, WrongAnswer } from './answers.ts';
import { followChanges, followSubscription } from './followers.ts';
import { Load } from './load.ts';
import type { Stage } from './stage.ts';

/** What one fault came to; a row of the table at the end. */
export interface FaultResult {
  requests: number;
  failures: Partial<Record<FailureKind, number>>;
  /** From when the cause was gone to the last request that failed. */
  recoverySeconds: number;
  slowestSeconds: number;
  notes?: string;
}

declare module 'vitest' {
  interface TaskMeta {
    fault?: FaultResult;
  }
}

/** Whether the faults are done whole, and not in the short form of every run. */
export const isFull = process.env.FAULTS === 'full';

/** How long a fault is done over and over again, with full load. */
const SECONDS = isFull ? 120 : 0;
export const FAULT_TIMEOUT_MS = isFull ? 400_000 : 120_000;

export interface Fault {
  /** Does it, and undoes it; again and again where faults are done whole. */
  strike(load: Load): Promise<void>;
  /** What callers may be told meanwhile. */
  mayFail: readonly FailureKind[];
  /** Whether writers tell repeats by a key. */
  hasKeys?: boolean;
  /** Lines of the log that are errors of our own and yet belong to this fault. */
  mayLog?: (line: LogLine) => boolean;
}

const READERS = 4;

/** Within how long who follows has seen what was written last: less than a test may take, so that it says what is missing. */
const CATCH_UP = { timeoutMs: 40_000 };

/** What Node writes where it is looked into. */
const INSPECTOR_LINES = /^(Debugger .*|For help, see: .*inspector)\n/gm;

/** What a gateway must not have done, whatever befell it; of its log, the lines after so many are looked at. */
export function expectUnharmed(
  gateway: Server,
  mayLog: (line: LogLine) => boolean = () => false,
  lines = 0,
) {
  expect(gateway.child.exitCode).toBeNull();
  expect(gateway.child.signalCode).toBeNull();
  // An unhandled rejection or exception would stand here, and Node's warnings of leaks.
  expect(gateway.stderr.replace(INSPECTOR_LINES, '')).toBe('');
  const logged = gateway.logged.slice(lines);
  const errors = logged.filter((line) => Number(line.level) >= 50 && !mayLog(line));
  expect(errors.slice(0, 5)).toEqual([]);
}

/** Starts those who ask at the same time: all questions over and over, and those who write and follow what is written. */
async function startLoad(stage: Stage, { mayFail, hasKeys = true }: Fault) {
  const load = new Load(() => stage.gateway.url, new Set(mayFail));
  const { questions, right } = stage;
  for (let reader = 0; reader < READERS; reader++) {
    let turn = reader * 2;
    load.start({
      name: `reader ${reader}`,
      async step(url) {
        const question = questions[turn % questions.length]!;
        const answer = await question.ask(url);
        if (answer !== right.get(question)) {
          throw new WrongAnswer(`${question.name}: another answer: ${answer.slice(0, 500)}`);
        }
        turn++;
      },
    });
  }
  const followers = [followChanges(), followSubscription()] as const;
  for (const follower of followers) load.start(follower);
  // What is written before that, he would never see.
  await eventually(() => expect(followers[1].hasBegun).toBe(true));
  for (let writer = 0; writer < 2; writer++) load.start(stage.writers.client(writer, hasKeys));
  return { load, followers };
}

/**
 * Does a fault while a mixed load is on: every answer must be right or a clear failure, nothing may be written by halves,
 * whoever follows must miss nothing, and all must be well again by itself.
 */
export async function underLoad(
  stage: Stage,
  { task }: Pick<TestContext, 'task'>,
  fault: Fault,
): Promise<FaultResult> {
  const before = new Set(await stage.writers.recordIds());
  const { gateway } = stage;
  const lines = gateway.logged.length;
  const { load, followers } = await startLoad(stage, fault);
  const result: FaultResult = { requests: 0, failures: {}, recoverySeconds: 0, slowestSeconds: 0 };
  try {
    await load.isUnderWay();
    const started = performance.now();
    do {
      await fault.strike(load);
      const recovery = await load.recovers(performance.now());
      result.recoverySeconds = Math.max(result.recoverySeconds, recovery);
      expect(await stage.writers.findFaults()).toEqual([]);
    } while (performance.now() - started < SECONDS * 1000);
    const [changes, subscription] = followers;
    await load.stop('writer');
    const written = await stage.writers.recordIds();
    await eventually(() => expect([...changes.seen].sort()).toEqual(written.sort()), CATCH_UP);
    const appended = written.filter((id) => !before.has(id));
    await eventually(
      () => expect([...subscription.seen].sort()).toEqual(appended.sort()),
      CATCH_UP,
    );
  } finally {
    await load.stop();
    result.requests = load.requests;
    result.failures = Object.fromEntries(load.failures);
    result.slowestSeconds = load.slowestMs / 1000;
    task.meta.fault = result;
  }
  expect(load.wrong).toEqual([]);
  expect(await stage.writers.findFaults()).toEqual([]);
  expectUnharmed(stage.gateway, fault.mayLog, stage.gateway === gateway ? lines : 0);
  return result;
}
