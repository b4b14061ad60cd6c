import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { ensureBuilt, PROJECT_DIRECTORY } from './build.ts';

export type LogLine = Record<string, unknown> & { msg?: string };

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  /** The whole configuration: nothing is inherited, least of all this run's own DATABASE_URL. */
  environment?: Record<string, string>;
  input?: Uint8Array | string;
}

/** The program as a process of its own, as a shell starts it. */
export interface Program {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of standard output, parsed; one that is no JSON throws. */
  readonly logged: LogLine[];
  readonly exit: Promise<Exit>;
  /** The first log line that matches; rejects, showing all output, if the process ends or takes too long. */
  waitForLog(message: string, timeoutMs?: number): Promise<LogLine>;
  kill(signal: NodeJS.Signals): Promise<Exit>;
}

/** How long something that comes soon is waited for, on a machine that does other things too. */
export const PATIENCE_MS = 120_000;

const running = new Set<ChildProcess>();

/** Ends what a test has started and not ended; for `afterAll`. */
export async function endPrograms(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
    }),
  );
}

/** Starts the program with the given command line. */
export async function startProgram(args: string[], options: ProcessOptions = {}): Promise<Program> {
  await ensureBuilt();
  const { PATH, HOME, TMPDIR } = process.env;
  // As a shell starts it, but for optimizing the embedded database's WebAssembly, which takes as long as most commands.
  const child = spawn(process.execPath, ['--liftoff-only', 'dist/main.js', ...args], {
    cwd: PROJECT_DIRECTORY,
    env: { PATH, HOME, TMPDIR, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const notify = () => watchers.forEach((watch) => watch());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let ended: Exit | undefined;
  const exit = once(child, 'close').then((results) => {
    running.delete(child);
    const [code, signal] = results as [Exit['code'], Exit['signal']];
    ended = { code, signal };
    notify();
    return ended;
  });
  // A process that ends early does not read its input to the end.
  child.stdin.on('error', () => {});
  if (options.input !== undefined) child.stdin.end(options.input);

  const logged = () =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);

  return {
    child,
    exit,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    get logged() {
      return logged();
    },
    waitForLog(message, timeoutMs = PATIENCE_MS) {
      return new Promise((resolve, reject) => {
        const done = () => {
          watchers.delete(watch);
          clearTimeout(timer);
        };
        const fail = (why: string) => {
          done();
          reject(new Error(`No log line "${message}": ${why}\n${stdout}\n${stderr}`));
        };
        const timer = setTimeout(() => fail(`not within ${timeoutMs} ms`), timeoutMs);
        const watch = () => {
          const line = logged().find(({ msg }) => msg?.startsWith(message));
          if (line) {
            done();
            resolve(line);
          } else if (ended) fail('the process has ended');
        };
        watchers.add(watch);
        watch();
      });
    },
    async kill(signal) {
      child.kill(signal);
      return exit;
    },
  };
}

/** Runs the program to its end. */
export async function runProgram(
  args: string[],
  options: ProcessOptions = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const program = await startProgram(args, { input: '', ...options });
  const exit = await program.exit;
  const { stdout, stderr } = program;
  return { ...exit, stdout, stderr };
}

/** Lets no line of the log depend on how busy the machine is. */
export const ANY_SPEED = { GATEWAY_SLOW_STATEMENT: '0' };

/** The program as a server that listens on a free loopback port, ready or not. */
export interface Server extends Program {
  readonly port: number;
  readonly url: string;
}

export async function startServer(environment: Record<string, string> = {}): Promise<Server> {
  const program = await startProgram(['serve'], {
    environment: { PORT: '0', ...ANY_SPEED, ...environment },
  });
  const { port } = await program.waitForLog('listening');
  const url = `http://127.0.0.1:${String(port)}`;
  // Not a spread: what the process has written so far is behind getters.
  return Object.assign(program, { port: port as number, url });
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until `probe` gives something, asking it again and again; rejects with its last error when time is up. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { timeoutMs = PATIENCE_MS, everyMs = 100 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
