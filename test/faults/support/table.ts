import type { Reporter, TestModule } from 'vitest/node';
import type { FaultResult } from './fault.ts';

function rowOf(name: string, { requests, failures, ...rest }: FaultResult): string[] {
  const counts = Object.entries(failures).map(([kind, count]) => `${count} ${kind}`);
  return [
    name,
    String(requests),
    counts.join(', ') || 'none',
    rest.recoverySeconds.toFixed(1),
    rest.slowestSeconds.toFixed(1),
    rest.notes ?? '',
  ];
}

const HEADER = ['fault', 'requests', 'failed', 'recovered after s', 'slowest s', ''];

/** Prints what each fault came to, as a table, and last of all the counts. */
export default class FaultTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const rows = tests.flatMap((test) => {
      const { fault } = test.meta();
      return fault ? [rowOf(test.name, fault)] : [];
    });
    const widths = HEADER.map((_, column) =>
      Math.max(...[HEADER, ...rows].map((row) => row[column]!.length)),
    );
    const lines = [HEADER, ...rows].map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const passed = count('passed');
    const skipped = count('skipped');
    // One that was not brought to its end counts as failed.
    const counts = `${passed} passed, ${tests.length - passed - skipped} failed, ${skipped} skipped`;
    process.stdout.write(`\n${lines.join('\n')}\n\n${counts}\n`);
  }
}
