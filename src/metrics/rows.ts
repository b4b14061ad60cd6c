import { Counter, type Registry } from 'prom-client';
import type { EntityType } from '../domain/entities.ts';

/** What became of rows that were put in. */
export type RowOutcome = 'created' | 'updated' | 'unchanged' | 'stale' | 'rejected';

/** How an export ended: with its last row, on the way there, or before its first. */
export type ExportOutcome = 'complete' | 'broken_off' | 'refused';

/** Rows that go in and out. */
export function createRowMetrics(registry: Registry) {
  const registers = [registry];
  const imported = new Counter({
    name: 'rosetta_gateway_import_rows_total',
    help: 'Rows that were sent to be imported, by their type and what became of them.',
    labelNames: ['type', 'outcome'] as const,
    registers,
  });
  const exported = new Counter({
    name: 'rosetta_gateway_export_rows_total',
    help: 'Rows that were written into exports.',
    labelNames: ['export'] as const,
    registers,
  });
  const exports = new Counter({
    name: 'rosetta_gateway_exports_total',
    help: 'Exports that were asked for, by how they ended.',
    labelNames: ['export', 'outcome'] as const,
    registers,
  });

  return {
    /** @param type `unknown` where a line has none. */
    rowsImported(type: EntityType | 'unknown', outcome: RowOutcome, rows: number) {
      if (rows > 0) imported.inc({ type, outcome }, rows);
    },
    rowsExported: (of: string, rows: number) => exported.inc({ export: of }, rows),
    exportEnded: (of: string, outcome: ExportOutcome) => exports.inc({ export: of, outcome }),
  };
}
