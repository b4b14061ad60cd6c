import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ENTITY_TYPES } from '../src/domain/entities.ts';
import { restChanges } from './support/changes.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { anyRows, cellsOf, withInfo } from './support/export-rows.ts';
import { getLines, getRecords, parseExact } from './support/export.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { dumpTables, emptyTables, importText } from './support/import.ts';
import { importSimulation, replaceAll } from './support/rows.ts';

let gateway: TestGateway;
let copy: TestDatabase;
let copyGateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
  copy = await createTestDatabase();
  copyGateway = await createTestGateway({ database: copy });
});
afterEach(() => emptyTables(copy));
afterAll(async () => {
  await gateway.close();
  await copyGateway.close();
  await copy.close();
});

/** Imports what was exported into an empty database, and exports it from there. */
async function exportOfCopy(lines: readonly string[]): Promise<string[]> {
  const { rejected, summary } = await importText(copy, lines.map((line) => `${line}\n`).join(''));
  expect(rejected).toEqual([]);
  expect(summary.lines).toBe(lines.length);
  return (await getLines(copyGateway, 'all')).rows;
}

describe('an export of everything', () => {
  beforeAll(async () => {
    await importSimulation(gateway.database, 150);
  });

  it('goes through an import byte for byte', async () => {
    const { start, rows, end } = await getLines(gateway, 'all');
    expect(rows.length).toBeGreaterThan(1500);
    const again = await exportOfCopy(rows);
    expect(again.join('\n') === rows.join('\n')).toBe(true);
    expect(await dumpTables(copy)).toEqual(await dumpTables(gateway.database));
    // With what stands around the rows it is taken as well, and changes nothing.
    const whole = [JSON.stringify(start), ...rows, JSON.stringify(end)].join('\n');
    const { summary, rejected } = await importText(copy, whole);
    expect(rejected).toEqual([]);
    expect(summary.lines).toBe(rows.length);
    for (const type of ENTITY_TYPES)
      expect(summary.types[type]).toMatchObject({ created: 0, updated: 0 });
  });

  it('has every row once, in an order that an import takes, and says how many of each type', async () => {
    const { rows, end } = await getLines(gateway, 'all');
    const parsed = rows.map(parseExact);
    const { prisma } = gateway.database;
    const ids: string[] = [];
    for (const type of ENTITY_TYPES) {
      const table = type.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const found = await prisma.$queryRawUnsafe<{ id: string }[]>(
        `SELECT id::text AS id FROM ${table} ORDER BY ${table}.id`,
      );
      ids.push(...found.map(({ id }) => `${type}:${id}`));
      expect((end.types as Record<string, number>)[type]).toBe(found.length);
    }
    expect(parsed.map(({ type, id }) => `${String(type)}:${String(id)}`)).toEqual(ids);
  });

  it('has the rows as GET /changes shows them', async () => {
    const { rows } = await getLines(gateway, 'all');
    const byId = new Map(
      rows.map(parseExact).map((row) => [`${String(row.type)}:${String(row.id)}`, row]),
    );
    let after = '';
    let seen = 0;
    for (let hasMore = true; hasMore;) {
      const page = await restChanges(gateway, `limit=1000${after}`);
      for (const { type, id, kind, row } of page.entries) {
        if (kind === 'DELETED') continue;
        seen++;
        expect(byId.get(`${type}:${id}`)).toEqual(row);
        expect(Object.keys(byId.get(`${type}:${id}`)!)).toEqual(Object.keys(row!));
      }
      ({ hasMore } = page);
      after = `&after=${page.watermark}`;
    }
    expect(seen).toBe(rows.length);
  });

  it('has the same in CSV', async () => {
    const { rows } = await getLines(gateway, 'all');
    const records = await getRecords(gateway, 'all');
    expect(records.map(withInfo)).toEqual(rows.map(parseExact).map(cellsOf));
  });
});

describe('rows of any content', () => {
  it('go through an import byte for byte, and through CSV', async () => {
    await fc.assert(
      fc.asyncProperty(anyRows, async (entities) => {
        await replaceAll(gateway.database, entities);
        const { rows } = await getLines(gateway, 'all');
        expect(rows).toHaveLength(entities.length);
        const records = await getRecords(gateway, 'all');
        expect(records.map(withInfo)).toEqual(rows.map(parseExact).map(cellsOf));
        expect(await exportOfCopy(rows)).toEqual(rows);
        expect(await dumpTables(copy)).toEqual(await dumpTables(gateway.database));
        await emptyTables(copy);
      }),
      { numRuns: 15 },
    );
  });
});
