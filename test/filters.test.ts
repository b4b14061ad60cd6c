import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIST_NOUNS, type FieldKind, type ListField } from '../src/domain/lists/fields.ts';
import type { Noun } from '../src/domain/nouns.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { importText } from './support/rows.ts';

/** The rows of every noun as the tests' own evaluation sees them: by the names of GraphQL, with their relations. */
interface ModelRow {
  noun: Noun;
  values: Record<string, Value>;
  related: Record<string, ModelRow | ModelRow[]>;
}
type Value = string | bigint | number | null;

const FIELDS: Record<Noun, { list: string; key: string }> = {
  Campaign: { list: 'campaigns', key: 'campaignId' },
  AnnotationRequest: { list: 'annotationRequests', key: 'annotationRequestId' },
  Pool: { list: 'pools', key: 'poolId' },
  Task: { list: 'tasks', key: 'taskId' },
  AnnotationHistory: { list: 'annotationHistory', key: 'recordId' },
};
const NOUNS = Object.keys(FIELDS) as Noun[];

// Few different values, so that filters match and orders have ties; odd characters, so that escaping matters.
const TEXTS = ['a', 'A', 'b%', 'b_', 'B\\', 'é', 'z', '100', '😀'];
const STATUSES = [1, 2, 11, 7, 99];
const BIG = 466_917_967_054_114_816n;

let gateway: TestGateway;
const model: Record<Noun, ModelRow[]> = {
  Campaign: [],
  AnnotationRequest: [],
  Pool: [],
  Task: [],
  AnnotationHistory: [],
};

function row(noun: Noun, values: Record<string, Value>): ModelRow {
  const made = { noun, values, related: {} };
  model[noun].push(made);
  return made;
}

function buildRows(): string {
  const lines: object[] = [];
  // A small linear generator: the rows are always the same.
  let seed = 7;
  const next = (bound: number) => (seed = (seed * 48_271) % 2_147_483_647) % bound;
  const pick = <T>(values: readonly T[]) => values[next(values.length)]!;
  const maybe = <T>(value: T) => (next(3) === 0 ? null : value);

  const campaigns = TEXTS.slice(0, 4).map((text, i) => {
    const values = {
      campaignId: `c-${text}`,
      projectId: BigInt(i) + 9_007_199_254_740_993n,
      name: `${text} campaign`,
      campaignType: pick(['POC', 'FORMAL']),
      workflowType: maybe(pick(TEXTS)),
      folderName: maybe(pick(TEXTS)),
      taxonomyVersionName: maybe(pick(TEXTS)),
    };
    const { campaignId: id, ...rest } = values;
    lines.push({ type: 'campaign', id, ...rest, projectId: String(values.projectId) });
    return row('Campaign', values);
  });
  const requests = TEXTS.map((text) => {
    const campaign = pick(campaigns);
    const values = {
      annotationRequestId: text,
      name: `AR ${text}`,
      createdAt: `2025-04-0${1 + next(3)}T10:00:00.00${next(3)}Z`,
    };
    const { annotationRequestId: id, ...rest } = values;
    lines.push({ type: 'annotationRequest', id, ...rest, campaignId: campaign.values.campaignId });
    const made = row('AnnotationRequest', values);
    made.related = { campaign, tasks: [], annotationHistory: [] };
    return made;
  });
  const pools = Array.from({ length: 12 }, (_, i) => {
    const campaign = campaigns[i % campaigns.length]!;
    const typeCode = pick([0, 1, 2, 9]);
    const values = { poolId: BigInt(i), name: pick(TEXTS), type: typeCode, typeCode };
    lines.push({
      type: 'pool',
      id: i,
      name: values.name,
      poolType: typeCode,
      campaignId: campaign.values.campaignId,
    });
    const made = row('Pool', values);
    made.related = { campaign, tasks: [] };
    return made;
  });
  const tasks = Array.from({ length: 40 }, (_, i) => {
    const request = pick(requests);
    const campaign = request.related.campaign as ModelRow;
    const pool = pick(pools.filter((one) => one.related.campaign === campaign));
    const status = pick(STATUSES);
    const values = {
      taskId: BIG + BigInt(i),
      sceneId: `${pick(TEXTS)} ${i}`,
      status,
      statusCode: status,
      instanceNum: next(3),
      attributeNum: next(3),
      frameNum: next(3),
    };
    lines.push({
      type: 'task',
      id: String(values.taskId),
      annotationRequestId: request.values.annotationRequestId,
      sceneId: values.sceneId,
      status,
      poolId: Number(pool.values.poolId),
      instanceInfo: {},
      instanceNum: values.instanceNum,
      attributeNum: values.attributeNum,
      frameNum: values.frameNum,
    });
    const made = row('Task', values);
    made.related = { campaign, annotationRequest: request, pool, annotationHistory: [] };
    (request.related.tasks as ModelRow[]).push(made);
    (pool.related.tasks as ModelRow[]).push(made);
    return made;
  });
  for (let i = 0; i < 120; i++) {
    const task = pick(tasks);
    const campaign = task.related.campaign as ModelRow;
    const request = task.related.annotationRequest as ModelRow;
    const pool = pick(pools.filter((one) => one.related.campaign === campaign));
    const status = pick(STATUSES);
    const action = pick([0, 5, 7, 18]);
    const values = {
      recordId: BIG * 2n + BigInt(i),
      status,
      statusCode: status,
      action,
      actionCode: action,
      teamId: maybe(BIG + BigInt(next(2))),
      poolAssigneeId: maybe(BigInt(next(3))),
      creatorId: maybe(BigInt(next(2))),
      createdTime: `2025-04-0${1 + next(3)}T10:00:00.00${next(3)}Z`,
      instanceNum: next(2),
      instanceSum: next(2),
      attributesNum: next(2),
      attributesSum: next(2),
      frameCount: next(2),
    };
    const { recordId, statusCode, actionCode, ...rest } = values;
    Reflect.deleteProperty(rest, 'action');
    lines.push({
      type: 'annotationHistory',
      id: String(recordId),
      taskId: String(task.values.taskId),
      poolId: Number(pool.values.poolId),
      instanceInfo: values.instanceNum > 0 ? { key: values.instanceNum } : {},
      actionType: actionCode,
      ...rest,
      status: statusCode,
    });
    const made = row('AnnotationHistory', values);
    made.related = { task, pool, annotationRequest: request };
    (task.related.annotationHistory as ModelRow[]).push(made);
    (request.related.annotationHistory as ModelRow[]).push(made);
  }
  for (const campaign of campaigns) {
    const mine = (rows: ModelRow[]) => rows.filter((one) => one.related.campaign === campaign);
    campaign.related = {
      annotationRequests: mine(model.AnnotationRequest),
      pools: mine(model.Pool),
      tasks: mine(model.Task),
    };
  }
  const digits = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value;
  return lines.map((line) => JSON.stringify(line, digits)).join('\n');
}

beforeAll(async () => {
  gateway = await createTestGateway();
  await importText(gateway.database, buildRows());
});
afterAll(() => gateway.close());

// ---------- the plain evaluation ----------

type Filter = { [key: string]: unknown };

const CODE_NAMES: Partial<Record<FieldKind, Record<string, number>>> = {
  taskStatus: { CREATED: 1, AWAITING_ANNOTATION: 2, APPROVED: 11, ANNOTATING: 3 },
  taskAction: { INITIALIZATION: 0, DISTRIBUTE: 5, SUBMIT_ANNOTATION: 7 },
  poolType: { DISTRIBUTION: 0, ANNOTATION: 1, CHECK: 2 },
};

/** An operand as the rows hold it: enum values by their codes, 64-bit numbers as bigints. */
function operandOf({ kind }: ListField, operand: unknown): Value {
  if (kind === 'bigint') return BigInt(operand as string);
  const codes = CODE_NAMES[kind];
  return codes ? codes[operand as string]! : (operand as Value);
}

function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

function holds(field: ListField, value: Value, operator: string, operand: unknown): boolean {
  if (operator === 'isNull') return (value === null) === operand;
  if (value === null) return false;
  if (operator === 'in')
    return (operand as unknown[]).some((one) => operandOf(field, one) === value);
  if (operator === 'startsWith') return (value as string).startsWith(operand as string);
  if (operator === 'contains') {
    return (value as string).toLowerCase().includes((operand as string).toLowerCase());
  }
  const order = compareValues(value, operandOf(field, operand));
  return { eq: order === 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[
    operator
  ]!;
}

function matches(one: ModelRow, filter: Filter): boolean {
  const { fields, relations } = LIST_NOUNS[one.noun];
  return Object.entries(filter).every(([name, value]) => {
    if (value === null) return true;
    if (name === 'and') return (value as Filter[]).every((part) => matches(one, part));
    if (name === 'or') return (value as Filter[]).some((part) => matches(one, part));
    if (name === 'not') return !matches(one, value as Filter);
    const field = fields[name];
    if (field) {
      return Object.entries(value as Filter).every(
        ([operator, operand]) =>
          operand === null || holds(field, one.values[name]!, operator, operand),
      );
    }
    const related = one.related[name]!;
    expect(relations[name]!.many).toBe(Array.isArray(related));
    return [related].flat().some((other) => matches(other, value as Filter));
  });
}

interface Key {
  field: string;
  direction?: 'ASC' | 'DESC';
  nulls?: 'FIRST' | 'LAST';
}

const nameOfKey = (field: string) =>
  field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

function compareRows(a: ModelRow, b: ModelRow, keys: Key[]): number {
  for (const { field, direction, nulls } of [...keys, { field: FIELDS[a.noun].key } as Key]) {
    const [x, y] = [a.values[field]!, b.values[field]!];
    if (x === null || y === null) {
      if (x === y) continue;
      return (x === null) === (nulls === 'FIRST') ? -1 : 1;
    }
    const order = compareValues(x, y);
    if (order !== 0) return direction === 'DESC' ? -order : order;
  }
  return 0;
}

// ---------- random filters and orders ----------

function operandArbitrary({ kind }: ListField): fc.Arbitrary<unknown> {
  switch (kind) {
    case 'text':
      return fc.constantFrom(...TEXTS, '', 'c-a', 'AR é', 'a campaign', '%', '_', '\\', '\\%');
    case 'bigint':
      return fc.constantFrom(
        '0',
        '1',
        '2',
        String(BIG + 1n),
        String(BIG * 2n + 60n),
        '9007199254740994',
      );
    case 'int':
      return fc.constantFrom(0, 1, 2, 7, 9, 99);
    case 'instant':
      return fc.constantFrom(
        '2025-04-02T10:00:00.001Z',
        '2025-04-01T10:00:00.000Z',
        '2025-04-03T10:00:00.002Z',
      );
    case 'campaignType':
      return fc.constantFrom('POC', 'FORMAL');
    case 'taskStatus':
    case 'taskAction':
    case 'poolType':
      return fc.constantFrom(...Object.keys(CODE_NAMES[kind]!));
  }
}

function comparisonArbitrary(field: ListField): fc.Arbitrary<Filter> {
  const operand = operandArbitrary(field);
  const operators: Record<string, fc.Arbitrary<unknown>> = {
    eq: operand,
    in: fc.array(operand, { maxLength: 3 }),
  };
  if (['text', 'bigint', 'int', 'instant'].includes(field.kind)) {
    for (const operator of ['gt', 'gte', 'lt', 'lte']) operators[operator] = operand;
  }
  if (field.kind === 'text') {
    operators.startsWith = operand;
    operators.contains = operand;
  }
  if (field.nullable) operators.isNull = fc.boolean();
  return fc
    .subarray(Object.keys(operators), { minLength: 0, maxLength: 2 })
    .chain((names) =>
      fc.record(
        Object.fromEntries(names.map((name) => [name, fc.option(operators[name]!, { freq: 9 })])),
      ),
    );
}

function filterArbitrary(noun: Noun, depth: number): fc.Arbitrary<Filter> {
  const { fields, relations } = LIST_NOUNS[noun];
  const parts: fc.Arbitrary<Filter>[] = Object.entries(fields).map(([name, field]) =>
    comparisonArbitrary(field).map((comparison) => ({ [name]: comparison })),
  );
  if (depth > 0) {
    const self = filterArbitrary(noun, depth - 1);
    parts.push(
      fc.array(self, { maxLength: 2 }).map((and) => ({ and })),
      fc.array(self, { maxLength: 2 }).map((or) => ({ or })),
      self.map((not) => ({ not })),
      self.map((not) => ({ not })),
      ...Object.entries(relations).map(([name, { noun: other }]) =>
        filterArbitrary(other, depth - 1).map((nested) => ({ [name]: nested })),
      ),
    );
  }
  return fc
    .array(fc.oneof(...parts), { maxLength: 2 })
    .map((chosen) => Object.assign({}, ...chosen) as Filter);
}

function orderArbitrary(noun: Noun): fc.Arbitrary<Key[]> {
  const names = Object.keys(LIST_NOUNS[noun].fields).filter(
    (name) => !['status', 'action', 'type'].includes(name),
  );
  return fc.subarray(names, { maxLength: 3 }).chain((chosen) =>
    fc.tuple(
      ...chosen.map((field) =>
        fc.record(
          {
            field: fc.constant(field),
            direction: fc.constantFrom('ASC' as const, 'DESC' as const),
            nulls: fc.constantFrom('FIRST' as const, 'LAST' as const),
          },
          { requiredKeys: ['field'] },
        ),
      ),
    ),
  );
}

interface Page {
  totalCount: number;
  edges: { cursor: string; node: { key: string } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

const operationOf = (noun: Noun, list: string) =>
  `query($filter: ${noun}Filter, $orderBy: [${noun}Order!], $first: Int, $last: Int, $after: String, $before: String) {
    ${list.replace(
      '@',
      `filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
        totalCount edges { cursor node { key: ${FIELDS[noun].key} } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`,
    )}
  }`;

async function walk(
  noun: Noun,
  list: string,
  read: (data: unknown) => Page,
  variables: { filter: Filter; orderBy: Key[] },
  size: number,
): Promise<{ forward: string[]; backward: string[]; totalCount: number }> {
  const operation = operationOf(noun, list);
  const orderBy = variables.orderBy.map((key) => ({ ...key, field: nameOfKey(key.field) }));
  const ask = async (page: object) =>
    read(await gateway.gql(operation, { filter: variables.filter, orderBy, ...page }));
  const forward: string[] = [];
  let totalCount: number;
  for (let after: string | null = null; ;) {
    const page: Page = await ask({ first: size, after });
    forward.push(...page.edges.map((edge) => edge.node.key));
    totalCount = page.totalCount;
    after = page.pageInfo.endCursor;
    if (!page.pageInfo.hasNextPage) break;
  }
  const backward: string[] = [];
  for (let before: string | null = null; ;) {
    const page: Page = await ask({ last: size, before });
    backward.unshift(...page.edges.map((edge) => edge.node.key));
    before = page.pageInfo.startCursor;
    if (!page.pageInfo.hasPreviousPage) break;
  }
  return { forward, backward, totalCount };
}

describe('any filter, order and page size', () => {
  it.each(NOUNS)(
    'walks the rows of %s that a plain evaluation finds, in its order',
    async (noun) => {
      const { list, key } = FIELDS[noun];
      await fc.assert(
        fc.asyncProperty(
          filterArbitrary(noun, 2),
          orderArbitrary(noun),
          fc.constantFrom(7, 30, 100),
          async (filter, orderBy, size) => {
            const expected = model[noun]
              .filter((one) => matches(one, filter))
              .sort((a, b) => compareRows(a, b, orderBy))
              .map((one) => String(one.values[key]));
            const read = (data: unknown) => (data as Record<string, Page>)[list]!;
            const walked = await walk(noun, `${list}(@`, read, { filter, orderBy }, size);
            expect(walked).toEqual({
              forward: expected,
              backward: expected,
              totalCount: expected.length,
            });
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('does the same in nested lists', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...model.Task),
        filterArbitrary('AnnotationHistory', 1),
        orderArbitrary('AnnotationHistory'),
        async (task, filter, orderBy) => {
          const expected = (task.related.annotationHistory as ModelRow[])
            .filter((one) => matches(one, filter))
            .sort((a, b) => compareRows(a, b, orderBy))
            .map((one) => String(one.values.recordId));
          const walked = await walk(
            'AnnotationHistory',
            `task(taskId: "${task.values.taskId as bigint}") { annotationHistory(@ }`,
            (data) => (data as { task: { annotationHistory: Page } }).task.annotationHistory,
            { filter, orderBy },
            3,
          );
          expect(walked).toEqual({
            forward: expected,
            backward: expected,
            totalCount: expected.length,
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('does the same for some requests', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(model.AnnotationRequest),
        filterArbitrary('Task', 1),
        orderArbitrary('Task'),
        async (requests, filter, orderBy) => {
          const expected = requests
            .flatMap((request) => request.related.tasks as ModelRow[])
            .filter((one) => matches(one, filter))
            .sort((a, b) => compareRows(a, b, orderBy))
            .map((one) => String(one.values.taskId));
          const ids = JSON.stringify(requests.map((one) => one.values.annotationRequestId));
          const walked = await walk(
            'Task',
            `tasks(annotationRequestIds: ${ids}, @`,
            (data) => (data as { tasks: Page }).tasks,
            { filter, orderBy },
            4,
          );
          expect(walked).toEqual({
            forward: expected,
            backward: expected,
            totalCount: expected.length,
          });
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a filter', () => {
  const errorOf = async (filter: object) =>
    (
      await gateway.gqlErrors('query($f: TaskFilter) { tasks(filter: $f) { nodes { taskId } } }', {
        f: filter,
      })
    )[0]!;

  it('may be nested ten levels deep, and says so', async () => {
    const nested = (depth: number): object => (depth === 1 ? {} : { not: nested(depth - 1) });
    await gateway.gql('query($f: TaskFilter) { tasks(filter: $f) { totalCount } }', {
      f: nested(10),
    });
    const error = await errorOf(nested(11));
    expect(error.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error.message).toMatch(/nested deeper than 10 levels/);
  });

  it('may list 1,000 values', async () => {
    const values = Array.from({ length: 1001 }, (_, i) => String(i));
    const error = await errorOf({ taskId: { in: values } });
    expect(error.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error.message).toMatch(/"taskId\.in" lists more than 1000 values/);
  });

  it.each(['a\0', '\ud800'])('refuses text that no row can have: %j', async (text) => {
    for (const filter of [
      { sceneId: { eq: text } },
      { sceneId: { in: ['x', text] } },
      { pool: { name: { contains: text } } },
    ]) {
      const error = await errorOf(filter);
      expect(error.extensions?.code).toBe('BAD_USER_INPUT');
    }
  });

  it('refuses what it does not know', async () => {
    expect((await errorOf({ nope: { eq: 1 } })).extensions?.code).toBe('BAD_USER_INPUT');
    expect((await errorOf({ taskId: { like: '1' } })).extensions?.code).toBe('BAD_USER_INPUT');
  });
});

describe('an order', () => {
  it('has each key once, and at most five', async () => {
    const ask = (fields: string[]) =>
      gateway.gqlErrors(
        'query($o: [AnnotationHistoryOrder!]) { annotationHistory(orderBy: $o) { nodes { recordId } } }',
        {
          o: fields.map((field) => ({ field })),
        },
      );
    expect((await ask(['STATUS_CODE', 'STATUS_CODE']))[0]!.message).toMatch(/"statusCode" twice/);
    const six = [
      'STATUS_CODE',
      'ACTION_CODE',
      'TEAM_ID',
      'CREATOR_ID',
      'CREATED_TIME',
      'INSTANCE_NUM',
    ];
    expect((await ask(six))[0]!.message).toMatch(/6 keys; it may have at most 5/);
  });
});

describe('a cursor', () => {
  const read = (args: string) =>
    gateway.gql<{ tasks: Page }>(`{ tasks(${args}) { edges { cursor node { key: taskId } } } }`);

  it('belongs to one order, and is refused once edited', async () => {
    const { tasks } = await read('first: 2, orderBy: [{ field: SCENE_ID }]');
    const cursor = tasks.edges[0]!.cursor;
    await read(`first: 2, orderBy: [{ field: SCENE_ID }], after: "${cursor}"`);
    const position = Buffer.from(cursor, 'base64url').toString();
    const edited = Buffer.from(position.replace(/"\d+"\]$/, '"1"]')).toString('base64url');
    expect(edited).not.toBe(cursor);
    for (const args of [
      `after: "${cursor}"`,
      `orderBy: [{ field: SCENE_ID, direction: DESC }], after: "${cursor}"`,
      `orderBy: [{ field: SCENE_ID }], after: "${edited}"`,
    ]) {
      const [error] = await gateway.gqlErrors(`{ tasks(${args}) { nodes { taskId } } }`);
      expect(error!.extensions?.code).toBe('BAD_USER_INPUT');
      expect(error!.message).toMatch(/is not a cursor of a list of Task in this order/);
    }
  });

  it('holds while rows come and go: a walk sees each row that was there throughout once', async () => {
    const before = model.Task.map((one) => String(one.values.taskId));
    const extra = (id: bigint) => ({
      type: 'task',
      id: String(id),
      annotationRequestId: 'a',
      sceneId: `extra ${id}`,
      status: 2,
      poolId: model.Pool.find(
        (pool) =>
          pool.related.campaign ===
          model.AnnotationRequest.find((r) => r.values.annotationRequestId === 'a')!.related
            .campaign,
      )!.values.poolId!.toString(),
      instanceInfo: {},
      instanceNum: 1,
      attributeNum: 1,
      frameNum: 1,
    });
    const seen: string[] = [];
    const made: bigint[] = [];
    for (let after: string | null = null, turn = 0; ; turn++) {
      const page: { tasks: Page } = await gateway.gql(
        'query($after: String) { tasks(first: 3, after: $after, orderBy: [{ field: INSTANCE_NUM, direction: DESC }, { field: SCENE_ID }]) { edges { node { key: taskId } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      seen.push(...page.tasks.edges.map((edge) => edge.node.key));
      after = page.tasks.pageInfo.endCursor;
      // Between two pages a row comes somewhere in the middle, and one that came before goes.
      const id = 1000n + BigInt(turn);
      await importText(gateway.database, JSON.stringify(extra(id)));
      made.push(id);
      if (turn > 2) await gateway.database.prisma.task.delete({ where: { id: made.shift()! } });
      if (!page.tasks.pageInfo.hasNextPage) break;
    }
    await gateway.database.prisma.task.deleteMany({ where: { id: { in: made } } });
    expect(new Set(seen).size).toBe(seen.length);
    expect(before.filter((id) => !seen.includes(id))).toEqual([]);
  });
});
