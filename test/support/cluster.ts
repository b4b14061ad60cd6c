import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './process.ts';

const run = promisify(execFile);

/** A PostgreSQL server of one test file's own, to be stopped and started as the test likes. */
export interface Cluster {
  readonly url: string;
  /** Starts it, if it does not run. */
  start(): Promise<void>;
  /** Stops it as a power cut would, without a word to those connected. */
  stop(): Promise<void>;
  /** Lets its processes go on no further, as a machine that is moved does; connections stay. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** The folder of initdb and pg_ctl: in PATH, or where Debian keeps each version's own. */
async function findBinaries(): Promise<string> {
  const debian = '/usr/lib/postgresql';
  const versions = await readdir(debian).catch(() => []);
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(debian, version, 'bin')),
  ];
  for (const folder of folders) {
    const files = await readdir(folder).catch((): string[] => []);
    // What stands in PATH may be a link to one or two of the programs only.
    if (files.includes('initdb') && files.includes('pg_ctl')) {
      return dirname(await realpath(join(folder, 'initdb')));
    }
  }
  throw new Error(
    `These tests start a PostgreSQL server of their own; install one (initdb and pg_ctl were searched in PATH and below ${debian}).`,
  );
}

/** PostgreSQL refuses to run as root: then it is another user's. */
async function findUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const user = ['postgres', 'nobody']
    .map((name) => lines.find((fields) => fields[0] === name))
    .find((fields) => fields !== undefined);
  if (!user) throw new Error('PostgreSQL does not run as root, and there is no user for it.');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

export async function createCluster(): Promise<Cluster> {
  const [binaries, user] = await Promise.all([findBinaries(), findUser()]);
  const directory = await mkdtemp(join(tmpdir(), 'gateway-cluster-'));
  if (user) await chown(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const options = { ...user, cwd: directory };
  await run(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    options,
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    fsync: 'off',
    shared_buffers: '16MB',
  };

  const control = async (...args: string[]) => {
    // The server inherits what pg_ctl writes to, so that a pipe would not end with pg_ctl.
    const child = spawn(join(binaries, 'pg_ctl'), ['-D', data, '-w', '-s', ...args], {
      ...options,
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) {
      const log = await readFile(join(directory, 'log'), 'utf8').catch(() => '');
      throw new Error(`pg_ctl ${args[0]} failed:\n${log.split('\n').slice(-20).join('\n')}`);
    }
  };
  let runs = false;
  const start = async () => {
    if (runs) return;
    await control(
      'start',
      '-l',
      join(directory, 'log'),
      '-o',
      Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    );
    runs = true;
  };
  const stop = async () => {
    if (!runs) return;
    await control('stop', '-m', 'immediate');
    runs = false;
  };
  const signal = async (name: NodeJS.Signals) => {
    const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    for (const one of [pid!, ...children.trim().split(' ')]) process.kill(Number(one), name);
  };
  await start();
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    start,
    stop,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
