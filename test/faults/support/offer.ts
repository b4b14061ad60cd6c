import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, type FailureKind, WrongAnswer } from './answers.ts';
import type { Stage } from './stage.ts';

/** What came of requests that did not wait for one another. */
export class Offer {
  /** Milliseconds that those took which were answered rightly, and those which were refused. */
  readonly answeredMs: number[] = [];
  readonly refusedMs: number[] = [];
  /** What must not have been; never more than a few. */
  readonly wrong: string[] = [];
  private turn = 0;

  constructor(
    private readonly stage: Stage,
    private readonly mayFail: readonly FailureKind[],
  ) {}

  /** Asks the next question, once. */
  async askNext(): Promise<void> {
    const { gateway, questions, right } = this.stage;
    // An export lasts, and has a limit of its own.
    const brief = questions.filter(({ name }) => name !== 'export');
    const question = brief[this.turn++ % brief.length]!;
    const began = performance.now();
    try {
      const answer = await question.ask(gateway.url);
      if (answer !== right.get(question)) throw new WrongAnswer(`${question.name}: ${answer}`);
      this.answeredMs.push(performance.now() - began);
    } catch (error) {
      if (error instanceof Failure && this.mayFail.includes(error.kind)) {
        this.refusedMs.push(performance.now() - began);
      } else if (this.wrong.length < 10) {
        this.wrong.push(String(error).slice(0, 400));
      }
    }
  }

  /** Asks so many times a second, however many answers are still to come, and waits for all of them. */
  async atRate(perSecond: number, seconds: number): Promise<void> {
    const began = performance.now();
    const asked: Promise<void>[] = [];
    for (let passed = 0; passed < seconds; passed = (performance.now() - began) / 1000) {
      while (asked.length < passed * perSecond) asked.push(this.askNext());
      await sleep(5);
    }
    await Promise.all(asked);
  }

  /** Asks as fast as the gateway answers so many at once. @returns how many it has answered a second. */
  async asFastAsAnswered(atOnce: number, seconds: number): Promise<number> {
    const began = performance.now();
    const isOver = () => performance.now() - began > seconds * 1000;
    const before = this.answeredMs.length;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (!isOver()) await this.askNext();
      }),
    );
    return (this.answeredMs.length - before) / ((performance.now() - began) / 1000);
  }
}

/** The number that a share of others is not above. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
