import { execFile } from 'node:child_process';

/**
 * Asks the registry for advisories on what the gateway runs with. Exit status: 0 there are none, 1 there are, 2 it could not
 * be found out, which is no all-clear.
 */

const ALL_CLEAR = 0;
const FOUND = 1;
const UNKNOWN = 2;

const { stdout, stderr } = await new Promise((resolve) => {
  const options = { maxBuffer: 64 * 1024 * 1024 };
  // npm's own exit status says the same of findings and of a registry that cannot be reached: the report tells them apart.
  execFile('npm', ['audit', '--omit=dev', '--json'], options, (_error, stdout, stderr) =>
    resolve({ stdout, stderr }),
  );
});

function readReport() {
  try {
    return JSON.parse(stdout);
  } catch {
    return {};
  }
}

const { vulnerabilities, message, error } = readReport();
if (vulnerabilities === undefined) {
  const reason = message ?? error?.summary ?? (stderr.trim() || 'npm gave no report');
  process.stderr.write(`The advisories could not be read, so nothing is known: ${reason}\n`);
  process.exitCode = UNKNOWN;
} else {
  const found = Object.values(vulnerabilities);
  for (const { name, severity, range, via } of found) {
    const titles = via.map((one) => (typeof one === 'string' ? `by ${one}` : one.title));
    process.stdout.write(`${name} ${range}: ${severity}: ${titles.join('; ')}\n`);
  }
  process.stdout.write(
    found.length === 0
      ? 'There are no advisories on the dependencies of the gateway.\n'
      : `Advisories concern ${found.length} of its packages.\n`,
  );
  process.exitCode = found.length === 0 ? ALL_CLEAR : FOUND;
}
