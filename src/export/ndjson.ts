import { Prisma } from '../database/generated/client/client.ts';
import { EXPORT_VERSION, type FrameType } from '../domain/exports.ts';
import type { Format } from './format.ts';
import type { Plan } from './plan.ts';
import { toldText } from './sections.ts';

/** A line around the rows; what is undefined is left out. */
function frame(type: FrameType, content: object): string {
  return `${JSON.stringify({ type, ...content })}\n`;
}

/** One JSON object a line: rows are lines of the import format. */
export function createNdjson({ of, after, givenFilter }: Plan): Format {
  return {
    statement(section) {
      const { type, columns, from, where, order } = section;
      const fields = columns.map(({ name, sql }) => `${sql} AS "${name}"`);
      const line = Prisma.raw(`SELECT '${type}' AS "type", ${fields.join(', ')}`);
      return Prisma.sql`SELECT ${toldText(section, Prisma.sql`row_to_json(line)::text`)} FROM ${from} CROSS JOIN LATERAL (${line}) AS line
        WHERE ${where} ${order}`;
    },
    start: (watermark) =>
      frame('exportStart', {
        format: EXPORT_VERSION,
        of,
        watermark,
        filter: givenFilter,
        resumedAfter: after,
      }),
    rows: (lines) => `${lines.join('\n')}\n`,
    end: (watermark, rows, types) => frame('exportEnd', { rows, types, watermark }),
    broken: (reason, rows) => frame('exportBroken', { reason, rows }),
  };
}
