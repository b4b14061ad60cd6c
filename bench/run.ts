/**
 * How many requests a second the gateway answers, beside PostGraphile and hand-written SQL, on one PostgreSQL server.
 *
 *   npm run bench -- [--scale TASKS] [--rounds N] [--seconds N] [--only TEXT] [--installed NODE] [--save]
 *   npm run bench -- --growth [--rounds N] [--seconds N] [--only TEXT] [--save]
 *   npm run bench -- --import [--scale TASKS] [--rounds N] [--save]
 *
 * DATABASE_URL names a server on this machine where databases may be created. What they hold is kept for the next time.
 * With --growth: the gateway alone, on a hundred thousand records and on ten and a hundred times as many.
 * With --import: how fast the gateway imports, beside COPY; these databases are dropped.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { growthChart } from './chart.ts';
import { compareAnswers, type FormName } from './compare.ts';
import { prepareData, type DataSet } from './data.ts';
import type { MeasuredSize } from './growth.ts';
import { compareImports } from './import.ts';
import { measure, type Slice } from './load.ts';
import { findPositions } from './positions.ts';
import {
  costsTable,
  growthTable,
  importTable,
  medianOf,
  ratesTable,
  type ShapeResult,
} from './report.ts';
import {
  parentOf,
  startFloor,
  startGateway,
  startPostGraphile,
  type TestedServer,
} from './servers.ts';
import { createShapes } from './shapes.ts';

const { values: options } = parseArgs({
  options: {
    scale: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    growth: { type: 'boolean', default: false },
    import: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    /** Another Node.js that the gateway runs on too. */
    installed: { type: 'string' },
  },
});
const serverUrl = process.env.DATABASE_URL ?? 'postgresql://postgres@127.0.0.1:5432/postgres';

/** How many tasks are simulated unless it is said. */
const SCALE = { servers: 200_000, import: 20_000 };

/** What the data grow from, about a hundred thousand records, and how many times as many there are of them. */
const GROWTH = { tasks: 9200, times: [1, 10, 100] };

/** What the gateway on the other Node.js is called: by its version, wherever it is. */
const other =
  options.installed &&
  `gateway on Node.js ${execFileSync(options.installed, ['--version']).toString().trim()}`;

const say = (text: string) => process.stdout.write(`${text}\n`);

interface Contest {
  readonly data: DataSet;
  readonly rounds: number;
  readonly seconds: number;
  /** Whether the gateway is alone. */
  readonly isAlone: boolean;
}

/** Lets the servers take turns, shape by shape, so that what else the machine does hits all alike. */
async function contest({ data, rounds, seconds, isAlone }: Contest): Promise<ShapeResult[]> {
  const servers: (readonly [FormName, TestedServer])[] = [];
  try {
    servers.push(['gateway', await startGateway('gateway', data.url)]);
    servers.push(['postgraphile', await startPostGraphile(data.url)]);
    servers.push(['floor', await startFloor(data.url)]);
    if (options.installed) {
      servers.push(['gateway', await startGateway(other!, data.url, options.installed)]);
    }
    const positions = await findPositions(data.url, servers[0]![1], servers[1]![1]);
    const shapes = createShapes(positions).filter(({ name }) => name.includes(options.only ?? ''));
    for (const shape of shapes) await compareAnswers(shape, data.population, servers);
    say(`The answers to ${shapes.length} shapes are the same.`);

    const postmaster = await findPostmaster();
    const slices = new Map<string, Map<string, Slice[]>>();
    // The first round warms everything up.
    for (let round = 0; round <= rounds; round++) {
      for (const [number, shape] of shapes.entries()) {
        const timed = isAlone ? servers.slice(0, 1) : servers;
        const rotated = timed.map((_, n) => timed[(n + round) % timed.length]!);
        for (const [form, server] of rotated) {
          const asked = shape[form];
          if (!asked) continue;
          const slice = await measure({
            shape,
            population: data.population,
            server,
            form: asked,
            seconds: round === 0 ? 1 : seconds,
            postmaster,
            seed: round * 1000 + number,
          });
          if (round === 0) continue;
          const ofShape = slices.get(shape.name) ?? new Map<string, Slice[]>();
          slices.set(shape.name, ofShape);
          ofShape.set(server.name, [...(ofShape.get(server.name) ?? []), slice]);
        }
      }
      if (round > 0) say(`Round ${round} of ${rounds} is over.`);
    }
    return shapes.map(({ name }) => ({
      shape: name,
      servers: Object.fromEntries(
        [...slices.get(name)!].map(([server, all]) => [server, medianOf(all)]),
      ),
    }));
  } finally {
    for (const [, server] of servers) await server.stop();
  }
}

/** The first process of the PostgreSQL server, which has started all others. */
async function findPostmaster(): Promise<number> {
  const client = new pg.Client(serverUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return parentOf(rows[0]!.pid);
  } finally {
    await client.end();
  }
}

const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

/** Keeps a file of results, where that is asked for. */
function saveFile(name: string, text: string): void {
  if (!options.save) return;
  const directory = new URL('results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  writeFileSync(new URL(name, directory), text);
}

/** Keeps what was measured, for those who want more of it than a table has. */
function save(name: string, measured: object): void {
  const told = { node: process.version, cores: cpus().length, rounds, seconds, ...measured };
  saveFile(`${name}.json`, `${JSON.stringify(told, undefined, 2)}\n`);
}

if (options.growth) {
  const sizes: MeasuredSize[] = [];
  for (const times of GROWTH.times) {
    const data = await prepareData(serverUrl, GROWTH.tasks, times);
    say(`${data.records} records`);
    const results = await contest({ data, rounds, seconds, isAlone: true });
    sizes.push({ records: data.records, results });
  }
  say(`\n${growthTable(sizes)}`);
  save('growth', { sizes });
  saveFile('growth.svg', growthChart(sizes));
} else if (options.import) {
  const tasks = Number(options.scale ?? SCALE.import);
  const result = await compareImports(serverUrl, tasks, rounds, say);
  say(`\n${importTable(result)}`);
  save('import', { tasks, ...result });
} else {
  const data = await prepareData(serverUrl, Number(options.scale ?? SCALE.servers));
  const { tasks, records } = data;
  say(`${tasks} tasks, ${records} records, ${cpus().length} cores, Node.js ${process.version}`);
  const results = await contest({ data, rounds, seconds, isAlone: false });
  say(`\n${ratesTable(results, other)}\n\n${costsTable(results)}`);
  save('servers', { tasks, records, results });
}
