import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/process.ts';
import { Failure, type FailureKind, WrongAnswer } from './answers.ts';

/** One of those who ask at the same time, each one thing after the other. */
export interface Client {
  readonly name: string;
  /** Asks once. @throws Failure, WrongAnswer */
  step(url: string): Promise<void>;
  /** Ends a step that goes on for as long as all is well. Nobody waits for the answer of a client that has this. */
  stop?(): void;
}

/** Milliseconds that a client waits after a failure, and after an answer. */
const PAUSE_AFTER_FAILURE_MS = 50;
const PAUSE_MS = 5;
/** Within how many milliseconds all must be well again; a busy machine needs more of them than a fault. */
const RECOVERY_MS = 30_000;
/** Milliseconds without a failure after which all is well again. */
const QUIET_MS = 1000;

interface Progress {
  client: Client;
  /** When the last step began that ended well. */
  wellSince: number;
  isRunning: boolean;
  over: Promise<void>;
}

/** Clients that ask for as long as they are let, and what came of it. */
export class Load {
  readonly failures = new Map<FailureKind, number>();
  /** One of each kind of failure, to be shown. */
  readonly examples = new Map<FailureKind, string>();
  /** What must not have been; never more than a few. */
  readonly wrong: string[] = [];
  requests = 0;
  slowestMs = 0;
  private lastFailure = -Infinity;
  private readonly progress: Progress[] = [];

  constructor(
    private readonly url: () => string,
    private readonly mayFail: ReadonlySet<FailureKind>,
  ) {}

  start(client: Client): void {
    const progress = { client, wellSince: -Infinity, isRunning: true, over: Promise.resolve() };
    progress.over = this.run(progress);
    this.progress.push(progress);
  }

  private async run(progress: Progress): Promise<void> {
    const { client } = progress;
    while (progress.isRunning) {
      const began = performance.now();
      this.requests++;
      try {
        await client.step(this.url());
        progress.wellSince = began;
      } catch (error) {
        this.note(client, error, began);
        await sleep(PAUSE_AFTER_FAILURE_MS);
      }
      if (!client.stop) this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
      await sleep(PAUSE_MS);
    }
  }

  private note({ name }: Client, error: unknown, began: number): void {
    this.lastFailure = performance.now();
    const isFailure = error instanceof Failure;
    if (isFailure) {
      this.failures.set(error.kind, (this.failures.get(error.kind) ?? 0) + 1);
      if (!this.examples.has(error.kind)) this.examples.set(error.kind, error.message);
      if (this.mayFail.has(error.kind)) return;
    }
    const said = error instanceof WrongAnswer || isFailure ? error.message : String(error);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (this.wrong.length < 10)
      this.wrong.push(`${name}, after ${seconds} s: ${said.slice(0, 400)}`);
  }

  /** Waits until every client has had a right answer. */
  async isUnderWay(): Promise<void> {
    await this.settles(performance.now(), 40_000, 0);
  }

  /**
   * Waits until nothing fails any more and every client gets right answers to what it asks.
   * @param since when the cause was gone. @returns the seconds from then on that it took.
   */
  async recovers(since: number): Promise<number> {
    await this.settles(since, RECOVERY_MS + QUIET_MS, QUIET_MS);
    return Math.max(0, this.lastFailure - since) / 1000;
  }

  private settles(since: number, timeoutMs: number, quietMs: number): Promise<void> {
    return eventually(
      () => {
        const from = Math.max(since, this.lastFailure);
        const waiting = this.progress.filter(
          ({ client, wellSince }) => !client.stop && wellSince < from,
        );
        const quiet = performance.now() - from;
        if (waiting.length > 0 || quiet < quietMs) {
          const names = waiting.map(({ client }) => client.name).join(', ');
          throw new Error(
            `No full service: quiet for ${Math.round(quiet)} ms; waiting for ${names || 'nobody'}; ` +
              JSON.stringify([...this.examples.values(), ...this.wrong]),
          );
        }
      },
      { timeoutMs, everyMs: 20 },
    );
  }

  /** Lets clients end what they are at: all, or those of a name. */
  async stop(name?: string): Promise<void> {
    const ending = this.progress.filter(({ client }) => name === undefined || client.name === name);
    for (const progress of ending) {
      progress.isRunning = false;
      progress.client.stop?.();
    }
    await Promise.all(ending.map(({ over }) => over));
  }
}
