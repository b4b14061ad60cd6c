/**
 * How long the operations of README's table of costs take a gateway that runs, the shortest of some times each.
 *
 *   npx tsx bench/cost.ts [http://127.0.0.1:4000]
 *
 * In the place of "c" and "r" come a campaign that is there and a request of it.
 */
import { readFileSync } from 'node:fs';

const [url = 'http://127.0.0.1:4000'] = process.argv.slice(2);
const TIMES = 10;
/** Milliseconds after which an operation is not asked once more. */
const ENOUGH_MS = 3000;

interface Answer {
  data?: unknown;
  errors?: { message: string }[];
  extensions: { cost: { requested: number } };
}

async function ask(query: string): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Answer;
}

const { data } = await ask(
  '{ annotationRequests(first: 1) { nodes { annotationRequestId campaign { campaignId } } } }',
);
const [known] = (
  data as {
    annotationRequests: {
      nodes: { annotationRequestId: string; campaign: { campaignId: string } }[];
    };
  }
).annotationRequests.nodes;
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

for (const [, example] of readme.matchAll(/^\| `(\{.*\})` +\| \d+ +\|/gm)) {
  const query = example!
    .replace('"c"', JSON.stringify(known!.campaign.campaignId))
    .replace('"r"', JSON.stringify(known!.annotationRequestId));
  let answer: Answer | undefined;
  let least = Infinity;
  const started = performance.now();
  for (let n = 0; n < TIMES && performance.now() - started < ENOUGH_MS; n++) {
    const asked = performance.now();
    answer = await ask(query);
    least = Math.min(least, performance.now() - asked);
  }
  const { errors, extensions } = answer!;
  const took = errors ? errors[0]!.message.slice(0, 30) : least.toFixed(1);
  process.stdout.write(`${extensions.cost.requested}\t${took}\t${example}\n`);
}
