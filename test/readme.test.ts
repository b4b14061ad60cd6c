import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDemoData } from '../src/app/demo.ts';
import { readConfig } from '../src/config/config.ts';
import { costOf } from '../src/cost/cost.ts';
import { schema } from '../src/schema/index.ts';
import { createGuardedGateway, makeKey } from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { subscribe } from './support/subscriptions.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The queries of README with the answers it shows. */
const QUERIES = [...README.matchAll(/```graphql\n([^`]+)\n```\n\n```json\n([^`]+)\n```/g)].map(
  ([, query, answer]) => [query!, answer!] as const,
);

/** The requests of README with the answers it shows: a block of one curl command, and the next block of JSON. */
const EXAMPLES = [...README.matchAll(/```sh\n(curl [^\n]+)\n```\n\n```json\n([^`]+)\n```/g)].map(
  ([, command, answer]) => [command!, answer!] as const,
);

/** The exports of README with what it shows of them. */
const EXPORTS = [
  ...README.matchAll(/```sh\ncurl -G (\S+) ([^\n]+)\n```\n\n```(?:ndjson|csv)\n([^`]+\n)```/g),
].map(([, url, parameters, answer]) => [url!, parameters!, answer!] as const);

/** An export without what differs from one database to the next, and with the line breaks of README. */
function readExport(text: string): string {
  const [watermark] = /[\w-]{60,}/.exec(text)!;
  return text.replaceAll(watermark, 'WATERMARK').replaceAll('\r\n', '\n');
}

/** Reads the curl command lines of README: a URL, quoted or not, `-X`, `-d` and `-H`. */
function readCurl(command: string) {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
  const after = (flag: string) =>
    words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;
  const payload = after('-d');
  const header = after('-H');
  return {
    method: (after('-X') ?? (payload === undefined ? 'GET' : 'POST')) as 'GET' | 'POST',
    url: words.find((word) => word.startsWith('http://'))!.replace('http://127.0.0.1:4000', ''),
    headers: header ? { [header.split(': ')[0]!]: header.split(': ')[1]! } : {},
    ...(payload !== undefined && { payload }),
  };
}

/** An answer without what differs from one call to the next, with every digit of its ids. */
function readAnswer(answer: string): unknown {
  return JSON.parse(
    answer
      .replace(/"date":\s*"[^"]{19}",\s*"requestId":\s*"[0-9a-f]{32}",/, '')
      .replace(/:\s*(\d{16,})/g, ':"$1"'),
  );
}

/** The operations of README with the points it says they cost. */
const COSTS = [...README.matchAll(/^\| `(\{.*\})` +\| (\d+) +\|/gm)].map(
  ([, query, points]) => [query!, Number(points)] as const,
);

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway({
    environment: { GATEWAY_MAX_COST: String(readConfig({}).limits.cost) },
  });
  await loadDemoData(gateway.database);
});
afterAll(() => gateway.close());

describe('README', () => {
  it('has examples of all three routes and of GraphQL', () => {
    const urls = EXAMPLES.map(([command]) => readCurl(command).url.split('?')[0]);
    expect(urls).toEqual([
      '/task/get',
      '/statistics',
      '/rosetta-open/statistics/record',
      '/graphql',
      '/graphql',
      '/graphql',
    ]);
  });

  it.each(EXAMPLES)('shows the real answer of %s', async (command, answer) => {
    const { payload } = await gateway.inject(readCurl(command));
    expect(readAnswer(payload)).toEqual(readAnswer(answer));
  });

  it('shows the real event of a subscription', async () => {
    const [, command, event] = /```sh\n(curl -N [^\n]+)\n```\n\n```text\n([^`]+)```/.exec(README)!;
    const { url } = await gateway.listen();
    const [, payload] = / -d '([^']+)'$/.exec(command!)!;
    const { query } = JSON.parse(payload!) as { query: string };
    const subscription = subscribe<object>('sse', url, '', {}, query);
    await subscription.receive(1);
    const [, data] = /data: (.+)/.exec(event!)!;
    expect({ data: subscription.events[0] }).toEqual(JSON.parse(data!));
    await subscription.stop();
  });

  it('shows how callers say who they are', async () => {
    const [, chapter] = /^## Who may ask\n(.*?)^## /ms.exec(README)!;
    const commands = [...chapter!.matchAll(/```sh\n([^`]+)```/g)]
      .map(([, text]) => text!)
      .filter((text) => text.includes('curl '));
    expect(commands).toHaveLength(3);
    const guarded = await createGuardedGateway({ database: gateway.database });
    const { port } = await guarded.listen();
    const api = await makeKey(guarded);
    const signed = await makeKey(guarded, { kind: 'signed' });
    const answers = commands.map(async (text) => {
      const script = text.replaceAll(':4000', `:${port}`);
      const { stdout } = await promisify(execFile)('bash', ['-ec', script], {
        env: {
          PATH: process.env.PATH,
          API_KEY: api.secret,
          ACCESS_KEY: signed.id,
          SECRET_KEY: signed.secret,
        },
      });
      return JSON.parse(stdout) as unknown;
    });
    expect(await Promise.all(answers)).toEqual([
      expect.objectContaining({ code: 2000 }),
      expect.objectContaining({ code: 2000 }),
      expect.objectContaining({
        data: { campaigns: { totalCount: expect.any(Number) as number } },
      }),
    ]);
    await guarded.close();
  });

  it('has exports in both formats', () => {
    expect(EXPORTS.map(([url]) => url.split('/').at(-1))).toEqual(['tasks', 'workload']);
  });

  it.each(EXPORTS)('shows what is exported from %s with %s', async (url, parameters, answer) => {
    const query = [...parameters.matchAll(/(?:-d|--data-urlencode) (?:'([^']*)'|(\S+))/g)]
      .map(([, quoted, plain]) => (quoted ?? plain!).split('='))
      .map(([name, ...value]) => `${name}=${encodeURIComponent(value.join('='))}`);
    const { payload } = await gateway.inject({
      url: `${new URL(url).pathname}?${query.join('&')}`,
    });
    expect(readExport(payload)).toBe(readExport(answer));
  });

  it('has ten questions', () => {
    expect(QUERIES).toHaveLength(10);
  });

  it.each(QUERIES)('shows the real answer of %s', async (query, answer) => {
    expect({ data: await gateway.gql<object>(query) }).toEqual(JSON.parse(answer));
  });

  it('has prices', () => {
    expect(COSTS.length).toBeGreaterThan(10);
  });

  it.each(COSTS)('shows the real cost of %s', (query, points) => {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    expect(costOf({ schema, document })!.points).toBe(points);
  });

  it('has a workload sheet that adds up to the records behind it', async () => {
    interface Sheet {
      campaign: { workload: { totalCount: number; nodes: Row[] } };
    }
    interface Row {
      recordCount: number;
      instances: string;
      attributes: string;
      records: {
        totalCount: number;
        aggregate: { sum: object };
        nodes: { instanceNum: number }[];
      };
    }
    const [query] = QUERIES.find(([text]) => text.includes('workload(\n'))!;
    const whole = query.replace('first: 3', 'first: 50').replace('last: 1', 'first: 500');
    const { campaign } = await gateway.gql<Sheet>(whole);
    const { totalCount, nodes } = campaign.workload;
    expect(nodes).toHaveLength(totalCount);
    for (const { recordCount, instances, attributes, records } of nodes) {
      expect(records.nodes).toHaveLength(recordCount);
      expect(records.totalCount).toBe(recordCount);
      expect(records.aggregate.sum).toEqual({ instanceNum: instances, attributesNum: attributes });
      const sum = records.nodes.reduce((total, { instanceNum }) => total + instanceNum, 0);
      expect(String(sum)).toBe(instances);
    }
  });
});
