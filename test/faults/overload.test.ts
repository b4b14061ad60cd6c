import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAULT_TIMEOUT_MS, isFull, underLoad } from './support/fault.ts';
import { MAX_MEMORY_MB, memoryMb } from './support/memory.ts';
import { Offer, quantile } from './support/offer.ts';
import { createStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  // With few connections it is these that requests wait for.
  stage = await createStage({ GATEWAY_POOL_SIZE: '3', GATEWAY_POOL_WAIT: '5000' });
});
afterAll(() => stage?.close());

/** Requests at once that keep the gateway busy, and of which it need turn none away. */
const BUSY = 8;
const SECONDS = isFull ? 120 : 6;
it(
  'twice the load it can bear',
  async (context) => {
    const bearable = await new Offer(stage, []).asFastAsAnswered(BUSY, 3);
    const offer = new Offer(stage, ['unavailable']);
    let rate = bearable;
    let largestMb = 0;
    const result = await underLoad(stage, context, {
      mayFail: ['unavailable'],
      async strike() {
        // Where a busy machine was slow when it was measured, it can bear more than that by now.
        do await offer.atRate((rate *= 2), SECONDS);
        while (offer.refusedMs.length === 0);
        largestMb = Math.max(largestMb, await memoryMb(stage.gateway));
      },
    });
    const seconds = (numbers: number[], share: number) =>
      (quantile(numbers, share) / 1000).toFixed(1);
    result.notes =
      `bears ${bearable.toFixed(0)}/s, offered ${rate.toFixed(0)}/s; ` +
      `${offer.answeredMs.length} answered, median ${seconds(offer.answeredMs, 0.5)} s, p99 ${seconds(offer.answeredMs, 0.99)} s; ` +
      `${offer.refusedMs.length} refused, median ${seconds(offer.refusedMs, 0.5)} s; ${largestMb.toFixed(0)} MB`;
    expect(offer.wrong).toEqual([]);
    // Who is answered has waited for a connection at most once, and then for statements that others keep slow; who is not is
    // told at once. Both with room for a machine that does much else.
    expect(quantile(offer.answeredMs, 0.99)).toBeLessThan(20_000);
    expect(quantile(offer.refusedMs, 0.5)).toBeLessThan(2000);
    expect(largestMb).toBeLessThan(MAX_MEMORY_MB);
  },
  FAULT_TIMEOUT_MS,
);
