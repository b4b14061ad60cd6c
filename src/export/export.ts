import { readByCursor } from '../database/cursor.ts';
import { seenBy } from '../database/scoped.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { formatOf } from './format.ts';
import type { Plan } from './plan.ts';
import { watermarkOfSnapshot } from './watermark.ts';

export { countRows } from './sections.ts';
export { formatOf } from './format.ts';
export { planExport, type ExportTerms, type Plan } from './plan.ts';

/** A piece of an export that ends at a row's end. */
export interface Part {
  readonly bytes: Uint8Array;
  /** Rows up to the end of this part. */
  readonly rows: number;
  readonly watermark: string;
}

/** Reads an export from a snapshot, part by part. Nothing is given before there are rows, or it is known that there are none. */
export async function* readExport(snapshot: Snapshot, plan: Plan): AsyncGenerator<Part> {
  const format = formatOf(plan);
  const watermark = await watermarkOfSnapshot(snapshot, plan.types);
  const types: Record<string, number> = {};
  let rows = 0;
  let text = format.start(watermark);
  for (const section of plan.sections) {
    const { type } = section;
    for await (const batch of readByCursor(
      snapshot,
      seenBy(plan.sight, format.statement(section)),
    )) {
      const texts = batch.filter((text) => text !== null);
      if (texts.length < batch.length) throw section.told!.refusal();
      rows += batch.length;
      types[type] = (types[type] ?? 0) + batch.length;
      yield { bytes: Buffer.from(text + format.rows(texts)), rows, watermark };
      text = '';
    }
  }
  yield { bytes: Buffer.from(text + format.end(watermark, rows, types)), rows, watermark };
}
