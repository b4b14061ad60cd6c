import fc from 'fast-check';
import { ENTITY_TYPES } from '../../src/domain/entities.ts';
import type { ModelLine } from './import-model.ts';

// Few values everywhere, so that lines meet: the same key twice, renames, names taken, pools of other campaigns.
const among = (...values: string[]) => fc.constantFrom(...values);
const count = fc.integer({ min: 0, max: 1 });
const maybe = (arbitrary: fc.Arbitrary<unknown>) =>
  fc.option(fc.option(arbitrary, { nil: null }), { nil: undefined, freq: 2 });
const instanceInfo = fc.constantFrom({}, { a: 1 }, { a: 1, bb: 0 }, { bb: 0, a: 1 });

const LINES = {
  campaign: fc.record({
    id: among('c1', 'c2', 'c3'),
    projectId: among('1', '2', '3', '9007199254740993'),
    name: among('A', 'B', 'C', 'D'),
    campaignType: among('POC', 'FORMAL'),
    folderName: maybe(among('f', 'g')),
  }),
  annotationRequest: fc.record({
    id: among('r1', 'r2', 'r3'),
    name: among('A', 'B', 'C', 'D'),
    campaignId: among('c1', 'c1', 'c2'),
    createdAt: among('2025-04-01T10:00:00.000Z', '2025-04-01T10:00:00.001Z'),
  }),
  pool: fc.record({
    id: among('1', '2', '3'),
    name: among('p', 'q'),
    poolType: count,
    campaignId: among('c1', 'c1', 'c2'),
  }),
  task: fc.record({
    id: among('1', '2', '466917967054114816', '466917967054114817'),
    annotationRequestId: among('r1', 'r1', 'r2'),
    sceneId: among('s', 't', 'u'),
    status: count,
    poolId: among('1', '1', '2', '3'),
    instanceInfo,
    instanceNum: count,
    attributeNum: fc.constant(0),
    frameNum: fc.constant(1),
    lastRecordId: maybe(among('1', '9', '10')),
  }),
  annotationHistory: fc.record({
    id: among('1', '2', '3', '4'),
    taskId: among('1', '2', '466917967054114816'),
    status: fc.constant(2),
    poolId: among('1', '1', '2'),
    teamId: maybe(among('1')),
    createdTime: among('2025-04-01T10:00:00.000Z', '2025-04-01T10:00:00.001Z'),
    actionType: fc.constant(5),
    instanceInfo,
    instanceNum: count,
    instanceSum: fc.constant(0),
    attributesNum: fc.constant(0),
    attributesSum: fc.constant(0),
    frameCount: fc.constant(1),
  }),
};

/** What ties a row to others, mostly the same for a key, so that not every second line is rejected for it. */
function usualTies({ type, id }: ModelLine): Record<string, string> {
  if (type === 'pool' || type === 'annotationRequest') {
    return { campaignId: id.endsWith('2') ? 'c2' : 'c1' };
  }
  return type === 'task' ? { annotationRequestId: 'r1', sceneId: `s${id}`, poolId: '1' } : {};
}

const anyLine: fc.Arbitrary<ModelLine> = fc
  .record({
    line: fc.oneof(
      ...ENTITY_TYPES.map((type) => LINES[type].map((fields) => ({ type, ...fields }))),
    ),
    isUsual: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  })
  .map(({ line, isUsual }) => {
    const plain = JSON.parse(JSON.stringify(line)) as ModelLine;
    return isUsual ? { ...plain, ...usualTies(plain) } : plain;
  });

/** Something for the other lines to refer to, some of the time. */
const START: ModelLine[] = [
  { type: 'campaign', id: 'c1', projectId: '1', name: 'A', campaignType: 'POC' },
  { type: 'campaign', id: 'c2', projectId: '2', name: 'B', campaignType: 'POC' },
  { type: 'pool', id: '1', name: 'p', poolType: 1, campaignId: 'c1' },
];
START.push({ ...START[2]!, id: '2', campaignId: 'c2' });
for (const id of ['r1', 'r2']) {
  const createdAt = '2025-04-01T10:00:00.000Z';
  const ties = usualTies({ type: 'annotationRequest', id });
  START.push({ type: 'annotationRequest', id, name: id, createdAt, ...ties });
}

/** Lines that are valid in themselves, each as an object. */
export const manyLines = fc
  .record({
    start: fc.boolean(),
    rest: fc.array(anyLine, { minLength: 1, maxLength: 120, size: 'max' }),
  })
  .map(({ start, rest }) => [...(start ? START : []), ...rest]);
