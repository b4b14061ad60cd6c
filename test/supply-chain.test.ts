import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

interface Locked {
  version: string;
  integrity?: string;
  resolved?: string;
  hasInstallScript?: boolean;
}

const read = <T>(path: string) =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;
const manifest = read<Manifest>('../package.json');
const { packages } = read<{ packages: Record<string, Locked> }>('../package-lock.json');
const locked = Object.entries(packages).filter(([path]) => path !== '');

/** Runs one of the scripts of ops/. */
function run(script: string, args: string[] = [], environment: Record<string, string> = {}) {
  const options = { env: { ...process.env, ...environment }, timeout: 60_000 };
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [`ops/${script}`, ...args], options, (error, stdout, stderr) =>
      resolve({ status: error ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('the lock file', () => {
  it('knows every package by its content, and names no place to fetch it from', () => {
    for (const [path, { integrity, resolved }] of locked) {
      expect(integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(resolved, path).toBeUndefined();
    }
  });

  it('has the exact version of everything that is asked for', () => {
    for (const [name, version] of Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
    })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.-]+)?$/);
      expect(packages[`node_modules/${name}`]!.version, name).toBe(version);
    }
  });

  it('has no package with an install script that nobody has decided on, and none may run one', () => {
    const scripted = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.split('node_modules/').at(-1)!);
    expect(Object.keys(manifest.allowScripts).sort()).toEqual([...new Set(scripted)].sort());
    expect(Object.values(manifest.allowScripts)).not.toContain(true);
  });
});

it('SECURITY.md lists the direct dependencies with version, licence and what they are for', async () => {
  expect(await run('licences.js', ['--check'])).toEqual({ status: 0, stdout: '', stderr: '' });
});

describe('the audit', () => {
  /** Runs it against a registry of our own. */
  async function audit(advisories: object | undefined) {
    const server = createServer((req, res) => {
      req.resume();
      const isAdvisories = req.url === '/-/npm/v1/security/advisories/bulk';
      const answer = isAdvisories ? advisories : undefined;
      res.writeHead(answer ? 200 : 405, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      return await run('audit.js', [], {
        npm_config_registry: `http://127.0.0.1:${port}/`,
        npm_config_fetch_retries: '0',
      });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it('passes where there are no advisories', async () => {
    const { status, stdout } = await audit({});
    expect(stdout).toBe('There are no advisories on the dependencies of the gateway.\n');
    expect(status).toBe(0);
  });

  it('fails where one concerns what the gateway runs with', async () => {
    const advisory = {
      id: 1,
      url: 'http://127.0.0.1/1',
      title: 'Takes too long to tell languages apart',
      severity: 'high',
      vulnerable_versions: '<=99',
    };
    const { status, stdout } = await audit({ 'lossless-json': [advisory] });
    expect(stdout).toContain('lossless-json');
    expect(stdout).toContain(advisory.title);
    expect(status).toBe(1);
  });

  it('says that nothing is known where the advisories cannot be reached', async () => {
    const { status, stderr } = await audit(undefined);
    expect(stderr).toContain('The advisories could not be read, so nothing is known');
    expect(status).toBe(2);
  });
});
