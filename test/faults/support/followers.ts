import { setTimeout as sleep } from 'node:timers/promises';
import { subscribe } from '../../support/subscriptions.ts';
import { ask, Failure, kindOfErrors, readEnvelope, WrongAnswer } from './answers.ts';
import type { Client } from './load.ts';
import { WRITTEN_CAMPAIGN } from './writers.ts';

/** Somebody who keeps a copy of the records that are written, and must miss none and be told none twice. */
export interface Follower extends Client {
  /** The ids of the records seen so far. */
  readonly seen: ReadonlySet<string>;
}

/** Notes a record. A record never changes, so that it has no reason to come again. */
function noteOnce(name: string, seen: Set<string>, id: string): void {
  if (seen.has(id)) throw new WrongAnswer(`${name}: record ${id} came twice`);
  seen.add(id);
}

/** Asks for changes again and again. */
export function followChanges(): Follower {
  const name = 'changes since';
  const seen = new Set<string>();
  let after = '';
  return {
    name,
    seen,
    async step(url) {
      const query = `types=annotationHistory&campaignId=${WRITTEN_CAMPAIGN}&limit=1000${after}`;
      const data = readEnvelope(name, await ask(`${url}/changes?${query}`));
      const page = JSON.parse(data) as {
        watermark: string;
        hasMore: boolean;
        entries: { kind: string; id: number }[];
      };
      for (const { id } of page.entries) noteOnce(name, seen, String(id));
      after = `&after=${page.watermark}`;
      if (!page.hasMore) await sleep(50);
    },
  };
}

interface Appended {
  historyAppended: { recordId: string; watermark: string };
}

/** One who is told of what is written from when he began. */
export interface Subscriber extends Follower {
  /** Whether he has begun: what is written from now on, he must see. */
  readonly hasBegun: boolean;
}

/** Stays subscribed, and goes on after the last event where a subscription has ended. */
export function followSubscription(): Subscriber {
  const name = 'subscription';
  const seen = new Set<string>();
  let after: string | undefined;
  let end = () => {};
  let isStopped = false;
  return {
    name,
    seen,
    get hasBegun() {
      return after !== undefined;
    },
    async step(url) {
      if (after === undefined) {
        const data = await ask(`${url}/graphql?query={watermark(types:[ANNOTATION_HISTORY])}`);
        after = (JSON.parse(data.text) as { data?: { watermark: string } }).data?.watermark;
        if (after === undefined) throw new Failure('unavailable', `${name}: ${data.text}`);
      }
      const stream = subscribe<Appended>(
        'sse',
        url,
        `($after: String, $campaign: String!) {
           historyAppended(filter: { annotationRequest: { campaign: { campaignId: { eq: $campaign } } } }, after: $after) { recordId watermark }
         }`,
        { after, campaign: WRITTEN_CAMPAIGN },
      );
      end = () => void stream.stop();
      let taken = 0;
      const take = () => {
        for (const { historyAppended } of stream.events.slice(taken)) {
          noteOnce(name, seen, historyAppended.recordId);
          after = historyAppended.watermark;
          taken++;
        }
      };
      let isOver = false;
      const over = stream.ended.then((error) => {
        isOver = true;
        return error;
      });
      while (!isOver) {
        take();
        await Promise.race([over, sleep(20)]);
      }
      take();
      if (isStopped) return;
      const error = await over;
      const said = `${name}: ${JSON.stringify(stream.errors)} ${String(error)}`;
      if (stream.errors.length === 0) {
        // The client tells of an answer that is no stream by the answer itself, and of a lost connection by an error.
        const { status } = (error as { response?: Response } | undefined)?.response ?? {};
        throw new Failure(status === 503 ? 'unavailable' : taken > 0 ? 'cut' : 'lost', said);
      }
      const kind = kindOfErrors(stream.errors);
      if (kind === undefined) throw new WrongAnswer(said);
      throw new Failure('broken', said);
    },
    stop() {
      isStopped = true;
      end();
    },
  };
}
