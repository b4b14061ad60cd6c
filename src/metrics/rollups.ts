import { Counter, Gauge, type Registry } from 'prom-client';

/** The roll-ups of the workload, as a copy keeps them. */
export function createRollUpMetrics(registry: Registry) {
  const registers = [registry];
  const notes = new Gauge({
    name: 'rosetta_gateway_rollup_notes',
    help: 'Notes that something is to be rolled up anew, at the last look; 1000 stands for more, too.',
    registers,
  });
  const made = new Counter({
    name: 'rosetta_gateway_rollup_rows_total',
    help: 'Rows of roll-ups that this copy made.',
    registers,
  });

  return {
    rollUpNotesCounted: (count: number) => notes.set(count),
    rollUpsMade: (rows: number) => made.inc(rows),
  };
}
