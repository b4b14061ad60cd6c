import fc from 'fast-check';
import type { Entity } from '../../src/domain/entities.ts';
import { recordWith, taskWith } from './rows.ts';

/** What text can hold that a format may stumble over. */
const texts = fc.oneof(
  fc.constantFrom(
    '=1+1',
    '+1',
    '-1',
    '@x',
    '\t=1',
    '\rx',
    ' =1',
    `"=1`,
    `'=1`,
    '＝1',
    'a,b',
    'a"b',
    '""',
    'a\r\nb',
    '\n',
    '\u2028',
    '\u0001\u001f\u007f',
    '\\u0000',
    '\\',
    '"}',
    '😀 é ａ',
    '\ufeff',
    '<b>&amp;',
    '{"type":"exportEnd"}',
    ';',
    'null',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => !text.includes('\0')),
);

/** Names are unique: what stands before the number is what is looked at. */
const named = (text: string, number: number) => `${text}#${number}`;

const ids = fc.constantFrom(0n, 9_007_199_254_740_993n, 674_058_858_624_188_416n, 2n ** 63n - 100n);
const optional = <T>(values: fc.Arbitrary<T>) =>
  fc.option(fc.option(values, { nil: null }), { nil: undefined });
const codes = fc.constantFrom(0, 1, 7, 11, 99, 2_147_483_647);
const infos = fc
  .array(fc.tuple(texts, codes), { maxLength: 3 })
  .map((entries) => Object.fromEntries(entries));
const instants = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

interface Values {
  text: string;
  other: string | null | undefined;
  id: bigint;
  person: bigint | null | undefined;
  code: number;
  info: Record<string, number>;
  instant: Date;
}

const values: fc.Arbitrary<Values> = fc.record({
  text: texts,
  other: optional(fc.oneof(texts, fc.constant(''))),
  id: ids,
  person: optional(ids),
  code: codes,
  info: infos,
  instant: instants,
});

/** An entity without what is undefined. */
const without = <E extends Entity>(entity: object) =>
  Object.fromEntries(
    Object.entries(entity).filter(([, value]) => value !== undefined),
  ) as unknown as E;

/** Some rows of each type, tied to each other, of any content. */
export const anyRows: fc.Arbitrary<Entity[]> = fc
  .array(values, { minLength: 4, maxLength: 12 })
  .map((all) => {
    const campaignId = (n: number) => named(all[n % 2]!.text, n % 2);
    const requestId = (n: number) => named(all[(n + 1) % 2]!.text, n % 2);
    const idOf = (n: number) => all[n]!.id + BigInt(n);
    const campaigns = all.slice(0, 2).map((_one, n): Entity => {
      const { other, code } = all[n]!;
      const id = campaignId(n);
      const campaignType = code > 1 ? 'POC' : 'FORMAL';
      const texts = { workflowType: other, folderName: other, taxonomyVersionName: other };
      return without({
        type: 'campaign',
        id,
        projectId: idOf(n),
        name: id,
        campaignType,
        ...texts,
      });
    });
    const requests = all.slice(0, 2).map((one, n): Entity => {
      const id = requestId(n);
      return {
        type: 'annotationRequest',
        id,
        name: id,
        campaignId: campaignId(n),
        createdAt: one.instant,
      };
    });
    const pools = all.slice(0, 2).map(({ text, code }, n): Entity => ({
      type: 'pool',
      id: idOf(n),
      name: text,
      poolType: code,
      campaignId: campaignId(n),
    }));
    const tasks = all.map(({ text, code, info, person }, n): Entity =>
      without(
        taskWith({
          id: idOf(n),
          annotationRequestId: requestId(n),
          poolId: idOf(n % 2),
          sceneId: named(text, n),
          status: code,
          instanceInfo: info,
          lastRecordId: person,
        }),
      ),
    );
    const records = all.map(({ code, info, person, instant }, n): Entity =>
      without(
        recordWith({
          id: idOf(n),
          taskId: idOf(n),
          poolId: idOf(n % 2),
          createdTime: instant,
          actionType: code,
          status: code,
          instanceInfo: info,
          teamId: person,
          poolAssigneeId: person,
          creatorId: person,
        }),
      ),
    );
    return [...campaigns, ...requests, ...pools, ...tasks, ...records];
  });

/** What a spreadsheet would take for a formula, some of them only after blanks and quotes. */
const FORMULA = /^(?:[\t\r]|[\s'"]*[=+\-@＝＋－＠])/;

/** The cells that a row has in CSV, by column; where there is no value there is none. */
export function cellsOf(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== null && value !== '')
      .map(([name, value]): [string, unknown] => {
        if (typeof value === 'object') return [name, value];
        const cell = `${value as string}`;
        return [name, FORMULA.test(cell) ? `'${cell}` : cell];
      }),
  );
}

/** A record with its JSON cell parsed. */
export function withInfo({ instanceInfo, ...record }: Record<string, string>) {
  return { ...record, ...(instanceInfo && { instanceInfo: JSON.parse(instanceInfo) as object }) };
}
