/**
 * The floor: `node:http` and `pg`, a hand-written statement for each shape, prepared, whose result is the answer's JSON.
 * It checks nothing and knows nobody: what is between it and a gateway is what a gateway does.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { LONG_LIST, WORKLOAD_ZONE } from './shapes.ts';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const list = (rows: string) => `(SELECT coalesce(json_agg(n), '[]') FROM (${rows}) AS n)`;
const time = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
/** A row of a table that a LATERAL join has found, as JSON. */
const row = (alias: string) => `row_to_json(${alias})`;

const TASK = `t.id::text AS "taskId", t.scene_id AS "sceneId", t.status AS "statusCode", t.instance_num AS "instanceNum",
  t.attribute_num AS "attributeNum", t.frame_num AS "frameNum"`;
const poolOf = (alias: string) => `CROSS JOIN LATERAL (
  SELECT p.id::text AS "poolId", p.name, p.pool_type AS "typeCode" FROM pool p WHERE p.id = ${alias}.pool_id) AS pool`;
const RECORD = `h.id::text AS "recordId", h.action_type AS "actionCode", h.status AS "statusCode",
  h.pool_assignee_id::text AS "poolAssigneeId", ${time('h.created_time')} AS "createdTime", h.instance_num AS "instanceNum",
  ${row('pool')} AS pool`;

const records = `SELECT ${RECORD} FROM (
    SELECT * FROM annotation_history WHERE task_id = t.id ORDER BY id LIMIT 5) AS h ${poolOf('h')} ORDER BY h.id`;
const connection = (rows: string, count?: string) =>
  count
    ? `json_build_object('totalCount', (${count}), 'nodes', ${list(rows)})`
    : `json_build_object('nodes', ${list(rows)})`;

const nested = (isCounted: boolean) => {
  const count = (sql: string) => (isCounted ? sql : undefined);
  const history = connection(
    records,
    count('SELECT count(*) FROM annotation_history WHERE task_id = t.id'),
  );
  const tasks = `SELECT ${TASK}, ${row('campaign')} AS campaign, ${row('pool')} AS pool, ${history} AS "annotationHistory"
    FROM (SELECT * FROM task WHERE annotation_request_id = $1 ORDER BY id LIMIT 20) AS t ${poolOf('t')}
    CROSS JOIN LATERAL (SELECT c.id AS "campaignId", c.name, c.project_id::text AS "projectId"
      FROM campaign c WHERE c.id = t.campaign_id) AS campaign ORDER BY t.id`;
  return `SELECT json_build_object('tasks', ${connection(tasks, count('SELECT count(*) FROM task WHERE annotation_request_id = $1'))})`;
};

const counts = (of: string) => `json_build_object('tasks', count(*) ${of},
  'instances', coalesce(sum(instance_num) ${of}, 0)::text, 'attributes', coalesce(sum(attribute_num) ${of}, 0)::text,
  'frames', coalesce(sum(frame_num) ${of}, 0)::text)`;

const APPROVED = 'FILTER (WHERE status = 11)';

const SQL: Readonly<Record<string, string>> = {
  'task-by-scene': `SELECT json_build_object('task', (SELECT ${row('n')} FROM (
      SELECT ${TASK}, t.instance_info AS "instanceInfo" FROM task t
      WHERE annotation_request_id = $2 AND scene_id = $3 AND campaign_id = $1) AS n))`,
  flat: `SELECT json_build_object('tasks', ${connection(`SELECT ${TASK}, ${row('pool')} AS pool
      FROM (SELECT * FROM task WHERE campaign_id = $1 ORDER BY id LIMIT 100) AS t ${poolOf('t')} ORDER BY t.id`)})`,
  nested: nested(false),
  'nested-counted': nested(true),
  'deep-page': `SELECT json_build_object('records', ${connection(`SELECT ${RECORD} FROM (
      SELECT * FROM annotation_history WHERE action_type = ${LONG_LIST.actionType} AND (created_time, id) < ($1, $2)
      ORDER BY created_time DESC, id DESC LIMIT ${LONG_LIST.pageSize}) AS h ${poolOf('h')}
      ORDER BY h.created_time DESC, h.id DESC`)})`,
  dashboard: `SELECT json_build_object('campaign', json_build_object('name', c.name, 'annotationRequests', ${connection(`
      SELECT r.id AS "annotationRequestId", r.name, work.progress, work.delivery
      FROM (SELECT * FROM annotation_request WHERE campaign_id = c.id ORDER BY id LIMIT 10) AS r
      CROSS JOIN LATERAL (SELECT
          json_build_object('total', count(*), 'completed', count(*) ${APPROVED},
            'percent', 100 * (count(*) ${APPROVED})::float8 / nullif(count(*) FILTER (WHERE status <> 0), 0),
            'byStatus', (SELECT coalesce(json_agg(s), '[]') FROM (SELECT status AS "statusCode", count(*) FROM task
              WHERE annotation_request_id = r.id GROUP BY status ORDER BY status) AS s)) AS progress,
          json_build_object('all', ${counts('')}, 'completed', ${counts(APPROVED)}) AS delivery
        FROM task WHERE annotation_request_id = r.id) AS work ORDER BY r.id`)}))
    FROM campaign c WHERE c.id = $1`,
  workload: `SELECT json_build_object('campaign', json_build_object('workload', ${connection(`
      SELECT w.pool_assignee_id::text AS "poolAssigneeId", json_build_object('label', w.day) AS time, w.record_count AS "recordCount",
        w.task_count AS "taskCount", w.submissions, w.checks, w.rejections_given AS "rejectionsGiven",
        w.returns_given AS "returnsGiven", w.rejections_received AS "rejectionsReceived", w.returns_received AS "returnsReceived",
        w.instances::text, w.attributes::text, w.frames::text
      FROM campaign_workload(c, '${WORKLOAD_ZONE}') AS w LIMIT 100`)}))
    FROM campaign c WHERE c.id = $1`,
  '/task/get': `SELECT json_build_object('viewUrl', 'https://rosetta.example.com/rosetta-open/task/' || c.project_id || '/' || t.id || '/viewOnly',
      'status', t.status)
    FROM task t JOIN campaign c ON c.id = t.campaign_id
    WHERE t.annotation_request_id = $2 AND t.scene_id = $3 AND t.campaign_id = $1`,
  '/statistics': `SELECT json_build_object('count', (SELECT count(*) FROM task WHERE annotation_request_id = $1), 'data', ${list(`
      SELECT t.id, t.status, t.campaign_id AS "campaignId", p.name AS "poolName", p.pool_type AS "poolType", t.instance_info AS "instanceInfo",
        t.instance_num AS "instanceNum", t.attribute_num AS "attributeNum", t.frame_num AS "frameNum"
      FROM (SELECT * FROM task WHERE annotation_request_id = $1 ORDER BY id LIMIT $2) AS t JOIN pool p ON p.id = t.pool_id ORDER BY t.id`)})`,
  '/statistics/record': `SELECT ${list(`
      SELECT h.id, h.status, c.project_id, h.task_id, h.pool_id, p.pool_type, h.team_id, h.pool_assignee_id, h.creator_id,
        to_char(h.created_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS created_time, h.action_type, h.instance_info,
        h.instance_num, h.attributes_num, h.instance_sum, h.attributes_sum, h.frame_count
      FROM (SELECT one.* FROM unnest($1::text[]) AS asked (id) CROSS JOIN LATERAL (
          SELECT * FROM annotation_history WHERE annotation_request_id = asked.id ORDER BY id LIMIT $2) AS one
        ORDER BY one.id LIMIT $2) AS h
      JOIN pool p ON p.id = h.pool_id JOIN campaign c ON c.id = h.campaign_id ORDER BY h.id`)}`,
};

async function ask(name: string, values: unknown[]): Promise<string> {
  const { rows } = await pool.query<[string]>({
    name,
    text: `SELECT (${SQL[name]})::text`,
    values,
    rowMode: 'array',
  });
  return rows[0]![0];
}

async function readBody(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

const envelope = (data: string) =>
  `{"code":2000,"message":"Success","data":${data},"date":"${new Date().toISOString().slice(0, 19).replace('T', ' ')}","requestId":"${randomBytes(16).toString('hex')}","success":true}`;

async function answer(req: IncomingMessage): Promise<string> {
  const { pathname, searchParams } = new URL(req.url!, 'http://localhost');
  switch (pathname) {
    case '/task/get': {
      const { campaignId, annotationRequestId, sceneId } = await readBody(req);
      return envelope(await ask(pathname, [campaignId, annotationRequestId, sceneId]));
    }
    case '/statistics':
      return envelope(
        await ask(pathname, [searchParams.get('annotationRequestId'), searchParams.get('limit')]),
      );
    case '/statistics/record': {
      const ids = [...new Set(searchParams.get('annotationRequestId')!.split(','))];
      return envelope(await ask(pathname, [ids, searchParams.get('pageSize')]));
    }
    case '/deep-page': {
      const { after } = (await readBody(req)) as { after: [string, string] };
      return `{"data":${await ask('deep-page', after)}}`;
    }
    default: {
      const variables = await readBody(req);
      return `{"data":${await ask(pathname.slice(1), Object.values(variables))}}`;
    }
  }
}

const server = createServer((req, res) => {
  answer(req).then(
    (body) => {
      res.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body),
      });
      res.end(body);
    },
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      res.writeHead(500).end();
    },
  );
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
