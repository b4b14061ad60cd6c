import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDemoData } from '../src/app/demo.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The requests of README with the answers it shows: a block of one curl command, and the next block of JSON. */
const EXAMPLES = [...README.matchAll(/```sh\n(curl [^\n]+)\n```\n\n```json\n([^`]+)\n```/g)].map(
  ([, command, answer]) => [command!, answer!] as const,
);

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

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
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
      '/graphql',
    ]);
  });

  it.each(EXAMPLES)('shows the real answer of %s', async (command, answer) => {
    const { payload } = await gateway.inject(readCurl(command));
    expect(readAnswer(payload)).toEqual(readAnswer(answer));
  });
});
