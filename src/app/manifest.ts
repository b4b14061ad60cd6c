import { readFileSync } from 'node:fs';
import type { GraphQLError } from 'graphql';
import { z } from 'zod';
import { ConfigError } from '../config/config.ts';

/** What the tools of Apollo's clients write. */
const apolloManifest = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string().min(1), body: z.string() })),
});

/** What Relay's compiler writes, and most others: texts by their ids. */
const relayManifest = z.record(z.string().min(1), z.string());

function fail(path: string, problem: string): never {
  throw new ConfigError(`GATEWAY_OPERATIONS_MANIFEST ${JSON.stringify(path)} ${problem}`);
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    fail(path, `cannot be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    fail(path, `is not JSON: ${(error as Error).message}`);
  }
}

/** The operations of a manifest, in either form, as ids with texts. */
function entriesOf(path: string, content: unknown): [id: string, text: string][] {
  const apollo = apolloManifest.safeParse(content);
  if (apollo.success) return apollo.data.operations.map(({ id, body }) => [id, body]);
  const relay = relayManifest.safeParse(content);
  if (relay.success) return Object.entries(relay.data);
  return fail(
    path,
    'is no manifest of operations; allowed are Apollo\'s, {"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":…,"body":…}]}, and Relay\'s, {"id":"text"}',
  );
}

/**
 * Reads the operations that are known beforehand.
 * @param check finds what is wrong with the text of one.
 * @throws ConfigError naming each operation that cannot be executed, and why.
 */
export function readManifest(
  path: string,
  check: (text: string) => readonly GraphQLError[],
): ReadonlyMap<string, string> {
  const operations = new Map<string, string>();
  const problems: string[] = [];
  for (const [id, text] of entriesOf(path, readJson(path))) {
    const known = operations.get(id);
    if (known !== undefined && known !== text) {
      problems.push(`has two operations of the id ${JSON.stringify(id)}`);
    }
    operations.set(id, text);
    for (const { message } of check(text)) {
      const name = /\b(?:query|mutation|subscription)\s+(\w+)/.exec(text)?.[1];
      const operation = name === undefined ? '' : ` ${name}`;
      problems.push(`has the operation${operation} of the id ${JSON.stringify(id)}: ${message}`);
    }
  }
  if (problems.length > 0) fail(path, problems.join('\n  and '));
  return operations;
}
