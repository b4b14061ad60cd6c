import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
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
  /** Stops it as a power cut would, without a word to those connected, or, `fast`, telling each that it stops. */
  stop(mode?: 'immediate' | 'fast'): Promise<void>;
  /** Lets its processes go on no further, as a machine that is moved does; connections stay. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Lets it write no more than a moment longer, as on a disk that fills up. */
  fillDisk(): Promise<void>;
  clearDisk(): Promise<void>;
  /** Makes a server that copies what is written to this one, and takes nothing else until it is promoted; started. */
  createStandby(): Promise<Cluster>;
  promote(): Promise<void>;
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

/** Files of the write-ahead log are as large from the first. */
const LOG_SEGMENT_BYTES = 2 ** 20;

/** The superuser has a password; roles that a test makes need none. */
const HOST_ACCESS = `
host all,replication postgres 127.0.0.1/32 scram-sha-256
host all             all      127.0.0.1/32 trust
`;

/** A folder for a server, which is not root's where the server is not. */
async function createDirectory(user: Awaited<ReturnType<typeof findUser>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-cluster-'));
  if (user) await chown(directory, user.uid, user.gid);
  return directory;
}

export async function createCluster(): Promise<Cluster> {
  const [binaries, user] = await Promise.all([findBinaries(), findUser()]);
  const directory = await createDirectory(user);
  const password = randomUUID();
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password);
  const data = join(directory, 'data');
  const access = ['-U', 'postgres', '--pwfile', passwordFile, '-A', 'trust'];
  const format = ['-E', 'UTF8', '--locale=C', `--wal-segsize=${LOG_SEGMENT_BYTES / 2 ** 20}`];
  const options = { ...user, cwd: directory };
  await run(join(binaries, 'initdb'), ['-D', data, ...access, ...format, '--no-sync'], options);
  await writeFile(join(data, 'pg_hba.conf'), HOST_ACCESS);
  return startCluster(directory, password);
}

/** Starts the server whose data are in a folder. */
async function startCluster(directory: string, password: string): Promise<Cluster> {
  const [binaries, user] = await Promise.all([findBinaries(), findUser()]);
  const data = join(directory, 'data');
  const options = { ...user, cwd: directory };
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
  const stop: Cluster['stop'] = async (mode = 'immediate') => {
    if (!runs) return;
    await control('stop', '-m', mode);
    runs = false;
  };
  /** Does something to each of its processes: to the first, from which later ones inherit, and then to the others. */
  const toEach = async (act: (pid: string) => unknown) => {
    const [first] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
    await act(first!);
    const children = await readFile(`/proc/${first}/task/${first}/children`, 'utf8');
    for (const pid of children.trim().split(' ')) {
      try {
        await act(pid);
      } catch (error) {
        // One that served a connection may have ended meanwhile.
        if ((await readdir('/proc')).includes(pid)) throw error;
      }
    }
  };
  const signal = (name: NodeJS.Signals) => toEach((pid) => process.kill(Number(pid), name));
  const limitFiles = (bytes: number | 'unlimited') =>
    toEach((pid) => run('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`], options));
  await start();
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  return {
    url,
    start,
    stop,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async fillDisk() {
      await signal('SIGSTOP');
      const tables = join(data, 'base');
      const files = await readdir(tables, { recursive: true });
      const sizes = await Promise.all(
        files.map(async (file) => (await stat(join(tables, file))).size),
      );
      // In the middle of a block: of a write that is cut short, the server says that the disk is full.
      await limitFiles(Math.max(...sizes, LOG_SEGMENT_BYTES) + 4096);
      await signal('SIGCONT');
    },
    clearDisk: () => limitFiles('unlimited'),
    async createStandby() {
      const copy = await createDirectory(user);
      const target = ['-D', join(copy, 'data'), '--write-recovery-conf', '--no-sync'];
      const source = ['-d', url, '--checkpoint=fast'];
      await run(join(binaries, 'pg_basebackup'), [...target, ...source], { ...user, cwd: copy });
      return startCluster(copy, password);
    },
    promote: () => control('promote'),
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
