/**
 * What was measured, as tables.
 */
import { growthOf, TARGET, type MeasuredSize } from './growth.ts';
import type { ImportResult } from './import.ts';
import type { Slice } from './load.ts';

export interface ShapeResult {
  readonly shape: string;
  readonly servers: Readonly<Record<string, Slice>>;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function medianOf(slices: readonly Slice[]): Slice {
  const medianSlice = (key: keyof Slice) => median(slices.map((slice) => slice[key]));
  return {
    rate: medianSlice('rate'),
    p50: medianSlice('p50'),
    p99: medianSlice('p99'),
    serverCpu: medianSlice('serverCpu'),
    databaseCpu: medianSlice('databaseCpu'),
    memory: medianSlice('memory'),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const ratio = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? '–' : (a / b).toFixed(2);

const rate = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(0));

/** The ratios of answers a second, which hold better than the numbers themselves, and these beside them. */
export function ratesTable(results: readonly ShapeResult[], other: string | undefined): string {
  const head = [
    '',
    'against PostGraphile',
    'against the floor',
    'gateway',
    'PostGraphile',
    'floor',
  ];
  return table(
    other ? [...head, other] : head,
    results.map(({ shape, servers: { gateway, postgraphile, floor, ...more } }) => [
      shape,
      ratio(gateway?.rate, postgraphile?.rate),
      ratio(gateway?.rate, floor?.rate),
      rate(gateway?.rate),
      rate(postgraphile?.rate),
      rate(floor?.rate),
      ...(other ? [rate(more[other]?.rate)] : []),
    ]),
  );
}

/** What an answer costs: milliseconds waited, milliseconds of processor time, and memory under load. */
export function costsTable(results: readonly ShapeResult[]): string {
  const names = ['gateway', 'postgraphile', 'floor'];
  const each = (read: (measured: Slice) => string, { servers }: ShapeResult) =>
    names.map((name) => (servers[name] ? read(servers[name]) : '–')).join(' / ');
  return table(
    ['gateway / PostGraphile / floor', 'p50 ms', 'p99 ms', 'CPU ms', 'of PostgreSQL', 'MB'],
    results.map((result) => [
      result.shape,
      each(({ p50 }) => p50.toFixed(0), result),
      each(({ p99 }) => p99.toFixed(0), result),
      each(({ serverCpu }) => serverCpu.toFixed(2), result),
      each(({ databaseCpu }) => databaseCpu.toFixed(2), result),
      each(({ memory }) => memory.toFixed(0), result),
    ]),
  );
}

/** Answers a second at each size of the data, and how many times as long an answer takes at the last as at the first. */
export function growthTable(sizes: readonly MeasuredSize[]): string {
  const growths = growthOf(sizes);
  const named = (isWithin: boolean) =>
    growths.flatMap((growth) => (growth.isWithin === isWithin ? [growth.shape] : [])).join('; ');
  const grown = table(
    ['records', ...sizes.map(({ records }) => String(records)), 'growth'],
    growths.map(({ shape, rates, times }) => [shape, ...rates.map(rate), times.at(-1)!.toFixed(2)]),
  );
  return `${grown}\n\nWithin ${TARGET} times: ${named(true) || 'none'}.\nBeyond: ${named(false) || 'none'}.`;
}

/** Rows a second of an import and of COPY, the medians of all turns, and their ratio. */
export function importTable({ rows, gateway, copy }: ImportResult): string {
  const [imported, copied] = [gateway, copy].map((seconds) => rows / median(seconds));
  return table(
    ['rows', 'imported a second', 'by COPY', 'ratio'],
    [[String(rows), rate(imported), rate(copied), ratio(imported, copied)]],
  );
}
