import { ENTITY_TYPES, type EntityType } from '../../src/domain/entities.ts';
import { expect } from 'vitest';
import type { TestGateway } from './gateway.ts';

export interface RestEntry {
  type: EntityType;
  kind: 'UPSERTED' | 'DELETED';
  /** Digits where it is a number. */
  id: string;
  /** With numbers above 2^53 as their digits. */
  row: Record<string, unknown> | null;
}

export interface RestPage {
  watermark: string;
  hasMore: boolean;
  entries: RestEntry[];
}

/** One page of `GET /changes`, numbers that JavaScript would round as text. */
export async function restChanges(gateway: TestGateway, query: string): Promise<RestPage> {
  const { payload } = await gateway.rest({ url: `/changes?${query}` });
  const exact = payload.replaceAll(/:(\d{16,})(?=[,}])/g, ':"$1"');
  const { code, data } = JSON.parse(exact) as { code: number; data: RestPage };
  expect(code, payload).toBe(2000);
  return { ...data, entries: data.entries.map((entry) => ({ ...entry, id: String(entry.id) })) };
}

/** What follows changes: applied in their order, they make a copy of the tables. */
export class Follower {
  watermark: string | undefined;
  readonly seen: RestEntry[] = [];
  readonly rows = Object.fromEntries(
    ENTITY_TYPES.map((type) => [type, new Map<string, Record<string, unknown>>()]),
  ) as Record<EntityType, Map<string, Record<string, unknown>>>;

  /** Reads one page. @returns whether more follow. */
  async read(gateway: TestGateway, limit = 1000): Promise<boolean> {
    const after = this.watermark === undefined ? '' : `&after=${this.watermark}`;
    const page = await restChanges(gateway, `limit=${limit}${after}`);
    for (const entry of page.entries) {
      this.seen.push(entry);
      const table = this.rows[entry.type];
      if (entry.kind === 'DELETED') table.delete(entry.id);
      // A row that is gone by now comes as deleted later.
      else if (entry.row) table.set(entry.id, entry.row);
    }
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    this.watermark = page.watermark;
    return page.hasMore;
  }

  /** Reads all that has been written. @returns what was new. */
  async catchUp(gateway: TestGateway, limit = 1000): Promise<RestEntry[]> {
    const before = this.seen.length;
    while (await this.read(gateway, limit));
    return this.seen.slice(before);
  }
}
