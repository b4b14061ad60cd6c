import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { countCampaignRows, deleteCampaign } from '../src/database/delete-campaign.ts';
import { Follower } from './support/changes.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { dumpTables, emptyTables, importText, line, PARENTS, work } from './support/import.ts';

const gateway: TestGateway = await createTestGateway();
afterAll(() => gateway.close());

const OTHER = [
  line('campaign', { id: '"c-2"', projectId: '2', name: '"two"' }),
  line('annotationRequest', { id: '"ar-2"', name: '"AR 2"', campaignId: '"c-2"' }),
  line('pool', { id: '7', campaignId: '"c-2"' }),
  line('task', { id: '5', annotationRequestId: '"ar-2"', poolId: '7' }),
  line('annotationHistory', { id: '999999', taskId: '5', poolId: '7' }),
];

describe('deleting a campaign', () => {
  beforeEach(() => emptyTables(gateway.database));

  it('takes all that hangs on it and nothing else, and is told as changes', async () => {
    const { prisma } = gateway.database;
    await importText(gateway.database, OTHER);
    const others = await dumpTables(gateway.database);
    // More tasks than are deleted at once.
    await importText(gateway.database, [...PARENTS, ...work(1001, 1)]);
    const follower = new Follower();
    await follower.catchUp(gateway);
    const rows = {
      campaign: 1,
      annotationRequest: 1,
      pool: 1,
      task: 1001,
      annotationHistory: 1001,
    };
    expect(await countCampaignRows(prisma, 'c-1')).toEqual(rows);
    const progress: number[] = [];
    const onProgress = (done: number) => progress.push(done);
    expect(await deleteCampaign(prisma, 'c-1', { onProgress })).toEqual(rows);
    expect(progress).toEqual([1000, 2000, 2002]);
    expect(await dumpTables(gateway.database)).toEqual(others);
    expect(await countCampaignRows(prisma, 'c-1')).toBeUndefined();
    const told = await follower.catchUp(gateway);
    expect(told).toHaveLength(2005);
    expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['DELETED']));
    // What refers to other rows goes before them.
    expect([...new Set(told.map(({ type }) => type))]).toEqual([
      'annotationHistory',
      'task',
      'pool',
      'annotationRequest',
      'campaign',
    ]);
    expect([...follower.rows.task.keys()]).toEqual(['5']);
  });

  it('leaves everything where it is stopped', async () => {
    await importText(gateway.database, [...PARENTS, ...work(501, 1)]);
    const before = await dumpTables(gateway.database);
    const stop = new AbortController();
    const deletion = deleteCampaign(gateway.database.prisma, 'c-1', {
      onProgress: () => stop.abort(),
      signal: stop.signal,
    });
    await expect(deletion).rejects.toThrow('aborted');
    expect(await dumpTables(gateway.database)).toEqual(before);
  });

  it('and imports do not lock each other out, whoever comes first', async () => {
    const lines = [...PARENTS, ...work(60, 5)];
    for (let round = 0; round < 5; round++) {
      await importText(gateway.database, [...lines, ...OTHER]);
      const renamed = lines.map((text) => text.replace('"status":2', `"status":${round}`));
      const runs = await Promise.all([
        importText(gateway.database, renamed.toReversed(), { batchLines: 7 }),
        deleteCampaign(gateway.database.prisma, 'c-1'),
        importText(gateway.database, OTHER, { batchLines: 1 }),
        importText(gateway.database, lines, { batchLines: 50 }),
      ]);
      expect(runs[2].rejected).toEqual([]);
      expect(runs[1].campaign).toBe(1);
      expect(await gateway.database.prisma.task.count({ where: { id: 5n } })).toBe(1);
    }
  });
});
