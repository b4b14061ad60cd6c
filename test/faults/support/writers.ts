import { INGEST, toEntity } from '../../support/ingest.ts';
import { runSql } from '../../support/empty-database.ts';
import { ask, askGraphQL, readEnvelope, readGraphQL, WrongAnswer } from './answers.ts';

/** The campaign that is written to, apart from those that are asked about. */
export const WRITTEN_CAMPAIGN = 'written-under-load';
const REQUEST = `${WRITTEN_CAMPAIGN}-request`;
/** Below the ids of the demo data. A batch has the next thousand of them, for its tasks and for their records. */
const FIRST_ID = 1_000_000_000;
const IDS_PER_BATCH = 1000;

export const PARENT_LINES = [
  `{"type":"campaign","id":"${WRITTEN_CAMPAIGN}","projectId":${FIRST_ID},"name":"Written under load","campaignType":"POC"}`,
  `{"type":"annotationRequest","id":"${REQUEST}","name":"Written under load 1","campaignId":"${WRITTEN_CAMPAIGN}"}`,
  `{"type":"pool","id":${FIRST_ID},"name":"written","poolType":1,"campaignId":"${WRITTEN_CAMPAIGN}"}`,
];

/** Tasks, each followed by its record. */
export function linesOf(batch: number, tasks: number): string[] {
  return Array.from({ length: tasks }, (_, index) => {
    const id = FIRST_ID + batch * IDS_PER_BATCH + index;
    return [
      `{"type":"task","id":${id},"annotationRequestId":"${REQUEST}","sceneId":"scene ${id}","status":2,"poolId":${FIRST_ID},"instanceInfo":{"box":2},"instanceNum":2,"attributeNum":1,"frameNum":1}`,
      `{"type":"annotationHistory","id":${id},"taskId":${id},"status":2,"poolId":${FIRST_ID},"createdTime":"2025-04-01T10:00:00Z","actionType":5,"instanceInfo":{"box":2},"instanceNum":2,"instanceSum":2,"attributesNum":1,"attributesSum":1,"frameCount":1}`,
    ];
  }).flat();
}

/** Of an import that is not atomic, 500 lines are written together: each task, and its record. */
const TASKS_AT_ONCE = 250;

interface Way {
  name: string;
  tasks: number;
  /** Whether all of a batch is written or nothing. */
  isAtomic: boolean;
  write(url: string, lines: string[], key?: string): Promise<void>;
}

function importedBy(name: string, query: string) {
  return async (url: string, lines: string[]) => {
    const answer = await ask(`${url}/import${query}`, { method: 'POST', body: lines.join('\n') });
    const report = JSON.parse(readEnvelope(name, answer)) as { lines: number; rejected: number };
    if (report.lines !== lines.length || report.rejected > 0) {
      throw new WrongAnswer(`${name}: ${JSON.stringify(report).slice(0, 500)}`);
    }
  };
}

/** The ways in. What is not atomic has more lines than one transaction takes. */
const WAYS: readonly Way[] = [
  {
    name: 'ingest',
    tasks: 40,
    isAtomic: true,
    async write(url, lines, key) {
      const variables = { entities: lines.map(toEntity), atomic: true };
      const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
      const answer = await askGraphQL(url, INGEST, variables, headers);
      const { data } = JSON.parse(readGraphQL(this.name, answer)) as {
        data: { ingest: Record<'created' | 'unchanged' | 'stale', number> };
      };
      const { created, unchanged, stale } = data.ingest;
      if (created + unchanged + stale !== lines.length) {
        throw new WrongAnswer(`${this.name}: ${JSON.stringify(data).slice(-300)}`);
      }
    },
  },
  { name: 'import', tasks: 400, isAtomic: false, write: importedBy('import', '') },
  {
    name: 'atomic import',
    tasks: 300,
    isAtomic: true,
    write: importedBy('atomic import', '?atomic=true'),
  },
];

/** Batches of one stage, each written until the gateway says that it is, and watched for being written by halves. */
export class Writers {
  private readonly batches: { way: Way; isDone: boolean }[] = [];

  constructor(private readonly databaseUrl: string) {}

  /**
   * Makes a client that writes one batch after the other, each as often as it takes.
   * @param hasKeys whether repeats are told by a key: one that a gateway has died over is taken for a minute.
   */
  client(start = 0, hasKeys = true) {
    let turn = start;
    let current: number | undefined;
    return {
      name: 'writer',
      step: async (url: string): Promise<void> => {
        if (current === undefined) {
          const way = WAYS[turn++ % WAYS.length]!;
          current = this.batches.push({ way, isDone: false }) - 1;
        }
        const batch = this.batches[current]!;
        const lines = linesOf(current, batch.way.tasks);
        await batch.way.write(url, lines, hasKeys ? `batch-${current}` : undefined);
        batch.isDone = true;
        current = undefined;
      },
    };
  }

  /** Says what is not as it must be: a batch that is told to be written and is not, or is there by halves. */
  async findFaults(): Promise<string[]> {
    // Those that end meanwhile are looked at next time.
    const told = this.batches.map(({ isDone }) => isDone);
    const counts = await runSql<{ batch: number; tasks: number; records: number }>(
      this.databaseUrl,
      `SELECT ((t.id - ${FIRST_ID}) / ${IDS_PER_BATCH})::int AS batch, count(t.id)::int AS tasks, count(h.id)::int AS records
       FROM task t LEFT JOIN annotation_history h ON h.id = t.id AND h.task_id = t.id
       WHERE t.annotation_request_id = '${REQUEST}' GROUP BY 1`,
    );
    const byBatch = new Map(counts.map((count) => [count.batch, count]));
    return told.flatMap((isDone, batch) => {
      const { name, tasks: size, isAtomic } = this.batches[batch]!.way;
      const { tasks, records } = byBatch.get(batch) ?? { tasks: 0, records: 0 };
      const isPossible =
        tasks === records &&
        (tasks === size ||
          (!isDone && (tasks === 0 || (!isAtomic && tasks % TASKS_AT_ONCE === 0))));
      if (isPossible) return [];
      const state = isDone ? 'told to be written' : 'under way';
      return [
        `batch ${batch} (${name}, ${state}) has ${tasks} tasks, ${records} records of ${size}`,
      ];
    });
  }

  /** The ids of all records that were written. */
  async recordIds(): Promise<string[]> {
    const rows = await runSql<{ id: string }>(
      this.databaseUrl,
      `SELECT h.id::text FROM annotation_history h JOIN task t ON t.id = h.task_id
       WHERE t.annotation_request_id = '${REQUEST}' ORDER BY h.id`,
    );
    return rows.map(({ id }) => id);
  }
}
