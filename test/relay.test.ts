import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeDirectories, temporaryDirectory } from './support/directory.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './support/gateway.ts';
import { importSimulation } from './support/rows.ts';

interface Operation {
  params: { name: string; text: string };
}

interface Fragment {
  metadata: {
    connection: {
      direction: string;
      count: string | null;
      cursor: string | null;
      path: string[];
    }[];
    refetch: {
      connection: {
        forward: { count: string; cursor: string } | null;
        backward: { count: string; cursor: string } | null;
        path: string[];
      };
      fragmentPathInResult: string[];
      operation: Operation;
    };
  };
}

/** The compiler that the package has for this platform; null if it has none. */
const compiler = createRequire(import.meta.url)('relay-compiler') as string | null;

/** Compiles the fragments of test/relay against schema.graphql, in a directory of its own. */
async function compile(edit: { file: string; from: string; to: string } | null) {
  const directory = await temporaryDirectory();
  await cp('test/relay', directory, { recursive: true });
  await cp('schema.graphql', join(directory, 'schema.graphql'));
  if (edit) {
    const path = join(directory, 'src', edit.file);
    const text = await readFile(path, 'utf8');
    expect(text).toContain(edit.from);
    await writeFile(path, text.replace(edit.from, edit.to));
  }
  await mkdir(join(directory, 'artifacts'));
  if (!compiler) throw new Error(`There is no Relay compiler for ${process.platform}.`);
  const { status, stdout, stderr, error } = spawnSync(
    compiler,
    ['--noWatchman', 'relay.config.json'],
    { cwd: directory, encoding: 'utf8' },
  );
  if (error) throw error;
  const require = createRequire(join(directory, 'artifacts', 'x.js'));
  return {
    status,
    output: stdout + stderr,
    artifact: <Artifact>(name: string) => require(`./${name}.graphql.js`) as Artifact,
  };
}

const FORWARD = { count: 'first', cursor: 'after' };
const BACKWARD = { count: 'last', cursor: 'before' };

const CONNECTIONS = [
  ['campaigns_list', 'CampaignsQuery', [], ['campaigns'], FORWARD, null],
  ['tasks_ofCampaign', 'TasksQuery', ['node'], ['tasks'], FORWARD, null],
  ['history_ofTask', 'TaskHistoryQuery', ['node'], ['annotationHistory'], null, BACKWARD],
  ['history_ofRequest', 'RequestHistoryQuery', ['node'], ['annotationHistory'], FORWARD, null],
] as const;

let compiled: Awaited<ReturnType<typeof compile>>;
let gateway: TestGateway;
beforeAll(async () => {
  compiled = await compile(null);
  gateway = await createTestGateway();
  await importSimulation(gateway.database, 100);
  await gateway.database.prisma.campaign.create({
    data: { id: 'second', name: 'Second', projectId: 1n, campaignType: 'POC' },
  });
});
afterAll(() => gateway.close());
afterAll(removeDirectories);

describe("Relay's compiler", () => {
  it('takes the schema with fragments that page', () => {
    expect(compiled.status, compiled.output).toBe(0);
  });

  it.each(CONNECTIONS)('knows how to page %s', (name, query, inResult, path, forward, backward) => {
    const { connection, refetch } = compiled.artifact<Fragment>(name).metadata;
    expect(connection).toEqual([
      { direction: forward ? 'forward' : 'backward', ...(forward ?? backward), path },
    ]);
    expect(refetch).toMatchObject({
      connection: { forward, backward, path },
      fragmentPathInResult: inResult,
      operation: { params: { name: query } },
    });
  });

  it.each([
    ['a field', 'campaigns.js', 'name', 'nom'],
    ['a type', 'tasks.js', '"TaskFilter"', '"TaskFilters"'],
    ['an argument', 'history.js', 'last: $last', 'latest: $last'],
  ])('refuses %s that is not there', async (_what, file, from, to) => {
    const { status, output } = await compile({ file, from, to });
    expect(status, output).not.toBe(0);
    expect(output).toContain(to);
  });
});

describe("Relay's queries", () => {
  it('page through the gateway', async () => {
    const { tasks, annotationRequests } = await gateway.gql<
      Record<string, { nodes: { id: string; campaign: { id: string } }[] }>
    >(`{
      tasks(first: 1) { nodes { id campaign { id } } }
      annotationRequests(first: 1) { nodes { id } }
    }`);
    const ids = {
      tasks_ofCampaign: tasks!.nodes[0]!.campaign.id,
      history_ofTask: tasks!.nodes[0]!.id,
      history_ofRequest: annotationRequests!.nodes[0]!.id,
    };
    for (const [name, , inResult, path, forward, backward] of CONNECTIONS) {
      const { text } = compiled.artifact<Fragment>(name).metadata.refetch.operation.params;
      const id = ids[name as keyof typeof ids];
      const seen: string[] = [];
      let cursor: string | null = null;
      for (let page = 1; page <= 2; page++) {
        const { count, cursor: from } = forward ?? backward;
        const response = await gateway.inject({
          method: 'POST',
          url: '/graphql',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          payload: JSON.stringify({ query: text, variables: { id, [count]: 1, [from]: cursor } }),
        });
        const { data, errors } = JSON.parse(response.payload) as GraphQLAnswer<object>;
        expect(errors).toBeUndefined();
        const connection = [...inResult, ...path].reduce(
          (at, key) => (at as Record<string, object>)[key]!,
          data!,
        ) as { edges: { cursor: string }[]; pageInfo: Record<string, string> };
        expect(connection.edges).toHaveLength(1);
        seen.push(connection.edges[0]!.cursor);
        cursor = connection.pageInfo[forward ? 'endCursor' : 'startCursor']!;
      }
      expect(new Set(seen).size, name).toBe(2);
    }
  });
});
