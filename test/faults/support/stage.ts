import { expect } from 'vitest';
import { demoFile } from '../../../src/app/demo.ts';
import { createCluster, type Cluster } from '../../support/cluster.ts';
import { runSql } from '../../support/empty-database.ts';
import { endPrograms, startServer, type Exit, type Server } from '../../support/process.ts';
import { ask, readEnvelope } from './answers.ts';
import {
  createQuestions,
  findSubject,
  RECORDS_PAGE,
  type Question,
  type Subject,
} from './questions.ts';
import { PARENT_LINES, Writers } from './writers.ts';

/** Short limits, so that what they end, ends within a test. */
const ENVIRONMENT = {
  GATEWAY_INGEST: 'on',
  GATEWAY_POOL_WAIT: '4000',
  GATEWAY_STATEMENT_TIMEOUT: '4000',
  GATEWAY_SHUTDOWN_TIMEOUT: '3000',
};

/** With their records some 4,000 rows: questions are to take little time, so that many are under way at a fault. */
const DEMO_TASKS = 400;

/** A PostgreSQL server and a gateway on it, both processes of their own, with demo data whose right answers are known. */
export interface Stage {
  readonly cluster: Cluster;
  /** The gateway of the moment. */
  readonly gateway: Server;
  readonly subject: Subject;
  readonly questions: readonly Question[];
  /** The right answers, by question. */
  readonly right: ReadonlyMap<Question, string>;
  readonly writers: Writers;
  query<Row extends Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Ends the gateway by a signal, and starts another one. @returns how it ended. */
  restart(signal: NodeJS.Signals): Promise<Exit>;
  close(): Promise<void>;
}

/** Puts in what is asked for later, and what later rows will refer to. */
async function fill(url: string): Promise<void> {
  const body = [...demoFile({ tasks: DEMO_TASKS }), ...PARENT_LINES.map((line) => `${line}\n`)];
  const init = { method: 'POST', body: body.join('') };
  const report = readEnvelope('import', await ask(`${url}/import?atomic=true`, init));
  expect(JSON.parse(report)).toMatchObject({ rejected: 0, problemCount: 0 });
}

/** Asks everything once while nothing is wrong, and holds some of it to what the tables say. */
async function learn(url: string, questions: readonly Question[], { taskIds, records }: Subject) {
  const right = new Map<Question, string>();
  for (const question of questions) right.set(question, await question.ask(url));
  const answers = new Map([...right].map(([{ name }, answer]) => [name, answer]));
  const ids = [...answers.get('statistics')!.matchAll(/\{"id":(\d+),/g)].map(([, id]) => id);
  expect(ids).toEqual(taskIds);
  expect(answers.get('records')!.match(/\{"id":/g)).toHaveLength(Math.min(records, RECORDS_PAGE));
  return right;
}

export async function createStage(environment: Record<string, string> = {}): Promise<Stage> {
  const cluster = await createCluster();
  try {
    const start = async () => {
      const started = await startServer({
        ...ENVIRONMENT,
        ...environment,
        DATABASE_URL: cluster.url,
      });
      await started.waitForLog('ready');
      return started;
    };
    let gateway = await start();
    await fill(gateway.url);
    const subject = await findSubject(cluster.url);
    const questions = createQuestions(subject);
    return {
      cluster,
      get gateway() {
        return gateway;
      },
      subject,
      questions,
      right: await learn(gateway.url, questions, subject),
      writers: new Writers(cluster.url),
      query: (sql) => runSql(cluster.url, sql),
      async restart(signal) {
        const exit = await gateway.kill(signal);
        gateway = await start();
        return exit;
      },
      async close() {
        await endPrograms();
        await cluster.close();
      },
    };
  } catch (error) {
    await endPrograms();
    await cluster.close();
    throw error;
  }
}
