import type { Database } from '../database/database.ts';
import { readExport, type Part, type Plan } from '../export/export.ts';
import { spool } from './spool.ts';

/** Puts the parts of an export aside. */
async function spoolParts(parts: AsyncIterable<Part>) {
  const marks: Omit<Part, 'bytes'>[] = [];
  async function* bytesOf(): AsyncGenerator<Uint8Array> {
    for await (const { bytes, ...mark } of parts) {
      marks.push(mark);
      yield bytes;
    }
  }
  const spooled = await spool(bytesOf());
  return {
    async *read(): AsyncGenerator<Part> {
      let place = 0;
      for await (const bytes of spooled.read()) yield { bytes, ...marks[place++]! };
    },
    close: () => spooled.close(),
  };
}

/**
 * Hands the parts of an export over, one after the other. The embedded database is one connection, which no reader may
 * occupy: there, all of them are put aside first.
 */
export async function eachPart(
  database: Database,
  plan: Plan,
  take: (part: Part) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const takeAll = async (parts: AsyncIterable<Part>) => {
    for await (const part of parts) await take(part);
  };
  if (database.kind === 'postgresql') {
    return database.snapshot((snapshot) => takeAll(readExport(snapshot, plan)), signal);
  }
  const spooled = await database.snapshot(
    (snapshot) => spoolParts(readExport(snapshot, plan)),
    signal,
  );
  try {
    await takeAll(spooled.read());
  } finally {
    await spooled.close();
  }
}
