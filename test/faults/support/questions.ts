import { stringify } from 'safe-stable-stringify';
import { runSql } from '../../support/empty-database.ts';
import { openExport, readToClose } from '../../support/export.ts';
import {
  ask,
  askGraphQL,
  Failure,
  failureOf,
  readEnvelope,
  readGraphQL,
  WrongAnswer,
} from './answers.ts';

/** Something to ask again and again, whose right answer is always the same. */
export interface Question {
  readonly name: string;
  /** Asks it of a gateway. @returns what must be the same each time. @throws Failure, WrongAnswer */
  ask(url: string): Promise<string>;
}

/** How many records one question asks for, of those that a request has. */
export const RECORDS_PAGE = 300;

/** What the questions are about: the campaign of the demo data with the most tasks, and its first request. */
export interface Subject {
  campaignId: string;
  requestId: string;
  sceneId: string;
  /** The request's tasks and how many records they have. */
  taskIds: string[];
  records: number;
}

export async function findSubject(databaseUrl: string): Promise<Subject> {
  const [subject] = await runSql<Omit<Subject, 'records'> & { records: string }>(
    databaseUrl,
    `WITH request AS (
       SELECT id, campaign_id FROM annotation_request WHERE campaign_id = (
         SELECT r.campaign_id FROM annotation_request r JOIN task t ON t.annotation_request_id = r.id
         GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)
       ORDER BY id LIMIT 1)
     SELECT request.campaign_id AS "campaignId", request.id AS "requestId", min(scene_id) AS "sceneId",
       array_agg(task.id::text ORDER BY task.id) AS "taskIds",
       (SELECT count(*) FROM annotation_history h JOIN task t ON t.id = h.task_id
        WHERE t.annotation_request_id = request.id) AS records
     FROM request JOIN task ON task.annotation_request_id = request.id GROUP BY 1, 2`,
  );
  return { ...subject!, records: Number(subject!.records) };
}

const NESTED = `query Nested($id: String!) {
  campaign(campaignId: $id) {
    name projectId
    annotationRequests(first: 4) {
      totalCount
      nodes {
        name
        progress { total completed percent }
        tasks(first: 10) {
          totalCount
          nodes {
            taskId status instanceInfo pool { name type }
            annotationHistory(last: 3) { totalCount nodes { recordId action createdTime poolAssigneeId } }
          }
        }
      }
    }
  }
}`;

const MEASURED = `query Measured($id: String!) {
  campaign(campaignId: $id) {
    workload(groupBy: [POOL_ASSIGNEE_ID, DAY], timeZone: "Asia/Shanghai", first: 50) {
      totalCount
      nodes { poolAssigneeId time { label start } recordCount instances frames workingDays }
    }
  }
}`;

function graphql(name: string, query: string, variables: object): Question {
  return {
    name,
    // In which order an object has its fields depends on which of them were there first.
    async ask(url) {
      const text = readGraphQL(name, await askGraphQL(url, query, variables));
      return stringify(JSON.parse(text))!;
    },
  };
}

function rest(name: string, path: string, init?: RequestInit): Question {
  return { name, ask: async (url) => readEnvelope(name, await ask(url + path, init)) };
}

/** An export: whole, or broken off after a whole row with a word of it. */
function exported(name: string, path: string): Question {
  let right: string | undefined;
  return {
    name,
    async ask(url) {
      const response = await openExport(Number(new URL(url).port), path).catch((error: unknown) => {
        throw failureOf(name, error);
      });
      const { text, isWhole } = await readToClose(response);
      const { statusCode: status, headers } = response;
      if (status !== 200) {
        const retryAfter = headers['retry-after'];
        const sent = new Headers(retryAfter === undefined ? {} : { 'Retry-After': retryAfter });
        return readEnvelope(name, { status: status!, headers: sent, text });
      }
      const lines = text.split('\n').slice(0, -1);
      const last = lines.at(-1) ?? '';
      const rows = lines.slice(1, -1).join('\n');
      if (isWhole && text.endsWith('\n') && last.startsWith('{"type":"exportEnd",')) {
        const { rows: told } = JSON.parse(last) as { rows: number };
        if (told !== lines.length - 2) throw new WrongAnswer(`${name}: ${told} rows are told`);
        return (right ??= rows);
      }
      if (isWhole || !(right ?? '').startsWith(rows)) {
        throw new WrongAnswer(`${name}: ends with ${text.slice(-500)}`);
      }
      const isTold = text.endsWith('\n') && last.startsWith('{"type":"exportBroken",');
      throw new Failure(isTold ? 'broken' : 'cut', `${name}: ends with ${text.slice(-200)}`);
    },
  };
}

export function createQuestions({ campaignId, requestId, sceneId }: Subject): Question[] {
  const changes = rest('changes', `/changes?campaignId=${campaignId}&types=task&limit=100`);
  return [
    graphql('nested', NESTED, { id: campaignId }),
    rest('task', '/task/get', {
      method: 'POST',
      body: JSON.stringify({ campaignId, annotationRequestId: requestId, sceneId }),
    }),
    graphql('workload', MEASURED, { id: campaignId }),
    rest('statistics', `/statistics?annotationRequestId=${requestId}&limit=100`),
    rest(
      'records',
      `/rosetta-open/statistics/record?annotationRequestId=${requestId}&pageSize=${RECORDS_PAGE}`,
    ),
    {
      name: changes.name,
      // Each answer has a watermark of its own.
      ask: async (url) => (await changes.ask(url)).replace(/"watermark":"[^"]*"/, ''),
    },
    exported(
      'export',
      `/export/annotation-history?filter=${encodeURIComponent(JSON.stringify({ annotationRequest: { campaign: { campaignId: { eq: campaignId } } } }))}`,
    ),
  ];
}
