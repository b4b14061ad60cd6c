import { stringify } from 'csv-stringify/sync';
import { Prisma } from '../database/generated/client/client.ts';
import type { FrameType } from '../domain/exports.ts';
import type { Format } from './format.ts';
import type { Plan } from './plan.ts';
import { toldText } from './sections.ts';

/** A formula behind blanks or quotes, which a spreadsheet may leave out before it reads the cell. */
const HIDDEN_FORMULA = /^[\s'"]+[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/;

const OPTIONS = {
  record_delimiter: 'windows',
  // Text that a spreadsheet would take for a formula is given an apostrophe, before which it is text. No number is negative.
  escape_formulas: true,
  cast: { string: (text: string) => (HIDDEN_FORMULA.test(text) ? `'${text}` : text) },
} as const;

/** The columns behind those of the rows, which only the records around the rows fill. */
const FRAME_COLUMNS = ['watermark', 'rows'];

/** RFC 4180, with a header, every record as long as it; the columns are those of all types together. */
export function createCsv({ sections }: Plan): Format {
  const names = [...new Set(sections.flatMap(({ columns }) => columns.map(({ name }) => name)))];
  const header = ['type', ...names, ...FRAME_COLUMNS];
  const write = (records: readonly (readonly unknown[])[]) =>
    stringify(records as unknown[][], OPTIONS);
  const frame = (type: FrameType, watermark: string | null, rows: number | null) =>
    [type, ...names.map(() => null), watermark, rows] as const;
  return {
    statement(section) {
      const { type, columns, from, where, order } = section;
      const cells = names.map((name) => {
        const column = columns.find((one) => one.name === name);
        return column ? `(${column.sql})::text` : 'NULL';
      });
      const record = Prisma.raw([`'${type}'`, ...cells, 'NULL', 'NULL'].join(', '));
      const text = Prisma.sql`to_json(ARRAY[${record}]::text[])::text`;
      return Prisma.sql`SELECT ${toldText(section, text)} FROM ${from} WHERE ${where} ${order}`;
    },
    start: (watermark) => write([header, frame('exportStart', watermark, null)]),
    rows: (records) => write(records.map((record) => JSON.parse(record) as unknown[])),
    end: (watermark, rows) => write([frame('exportEnd', watermark, rows)]),
    broken: (_reason, rows) => write([frame('exportBroken', null, rows)]),
  };
}
