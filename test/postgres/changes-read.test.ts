import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteCampaign } from '../../src/database/delete-campaign.ts';
import { readWatermark, writeWatermark } from '../../src/domain/changes.ts';
import { ENTITY_TYPES } from '../../src/domain/entities.ts';
import type { TestGateway } from '../support/gateway.ts';
import { createMillion, RECORDS_OF_CAMPAIGN, type Million } from '../support/million.ts';
import { measureWork, type SentStatement } from '../support/plans.ts';

let million: Million;
let gateway: TestGateway;
let client: pg.Client;
let sent: SentStatement[];

beforeAll(async () => {
  million = await createMillion();
  ({ gateway, client, sent } = million);
});
afterAll(() => million?.close());

interface Page {
  changes: { watermark: string; hasMore: boolean; entries: { key: string }[] };
}

const read = (after: string, first: number) =>
  gateway.gql<Page>(
    `{ changes(first: ${first}${after && `, after: "${after}"`}) { watermark hasMore entries { key } } }`,
  );

describe.each(['force_custom_plan', 'force_generic_plan'] as const)('with %s', (mode) => {
  /** Reads a page, and measures what reading it again takes. */
  const measure = async (after: string, first: number) => {
    sent.length = 0;
    const { changes } = await read(after, first);
    const { rows, pages } = await measureWork(client, sent[0]!, mode);
    // Campaigns are so few that they may be read from end to end, once for each transaction that is open.
    const many = Object.entries(rows).filter(([table]) => table !== 'campaign');
    return { ...changes, rows: many.reduce((sum, [, n]) => sum + n, 0), pages };
  };
  const scope = { types: ENTITY_TYPES, campaignIds: undefined, annotationRequestIds: undefined };
  /** In the middle of the million as it stands: written before there were numbers, the records last. */
  const middle = async (open: (next: bigint) => bigint[]) => {
    const { history, within } = readWatermark((await read('', 1)).changes.watermark, scope);
    const { next } = within!.upTo;
    return writeWatermark(scope, {
      history,
      seen: { next: 0n, open: [] },
      within: { upTo: { next, open: open(next) }, last: { number: 0n, rank: 9, id: '1100000' } },
    });
  };

  it('a page in the middle of a million reads what it shows', async () => {
    const page = await measure(await middle(() => []), 100);
    expect(page.entries).toHaveLength(100);
    expect(page.hasMore).toBe(true);
    expect(page.rows).toBeLessThan(1000);
    expect(page.pages).toBeLessThan(300);
  });

  it('does so however many transactions were open, a probe of each index for each of them', async () => {
    const open = 200;
    const everySecond = (next: bigint) =>
      Array.from({ length: open }, (_, n) => next - 2n * BigInt(open - n));
    const page = await measure(await middle(everySecond), 100);
    expect(page.entries).toHaveLength(100);
    expect(page.rows).toBeLessThan(1000);
    expect(page.pages).toBeLessThan(open * 30);
  });

  it('a late watermark reads only what is new', async () => {
    const start = (await read('', 1)).changes.watermark;
    await client.query(`UPDATE task SET status = 3 WHERE campaign_id = 'c-7' AND id % 10 = 0`);
    const { history } = readWatermark(start, scope);
    const {
      rows: [last],
    } = await client.query<{ number: string }>('SELECT max(changed_in) AS number FROM task');
    const seen = { next: BigInt(last!.number), open: [] };
    const late = writeWatermark(scope, { history, seen });
    const page = await measure(late, 1000);
    expect(page.entries).toHaveLength(100);
    expect(page.rows).toBeLessThan(1000);
    const again = await measure(page.watermark, 1000);
    expect(again.entries).toEqual([]);
    expect(again.rows).toBeLessThan(100);
    // Other tests write to other databases of the server meanwhile.
    const { open } = readWatermark(page.watermark, scope).seen;
    expect(again.pages).toBeLessThan(100 * (1 + open.length));
  });
});

it('a campaign of many records is deleted without reading others', async () => {
  const { rows } = await client.query<{ count: string }>(
    `SELECT count(*) FROM annotation_history WHERE campaign_id = 'c-3'`,
  );
  expect(Number(rows[0]!.count)).toBe(RECORDS_OF_CAMPAIGN);
  const started = performance.now();
  const deleted = await deleteCampaign(gateway.database.prisma, 'c-3');
  expect(deleted.annotationHistory).toBe(RECORDS_OF_CAMPAIGN);
  // Looking for what refers to a row in a whole table would take hours.
  expect(performance.now() - started).toBeLessThan(120_000);
  const noted = await client.query<{ count: string }>(
    `SELECT count(*) FROM deleted_row WHERE campaign_id = 'c-3'`,
  );
  const total = Object.values(deleted).reduce((sum, count) => sum + count, 0);
  expect(Number(noted.rows[0]!.count)).toBe(total);
});
