import { readFileSync, writeFileSync } from 'node:fs';
import { URL } from 'node:url';

/**
 * Writes the tables of direct dependencies in SECURITY.md: versions and licences from package.json and the lock file, what
 * each is for as it stands there. With `--check` it writes nothing, and fails where something would change or is missing.
 */

const FILE = new URL('../SECURITY.md', import.meta.url);
const readJson = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const { packages } = readJson('../package-lock.json');
const manifest = readJson('../package.json');

const before = readFileSync(FILE, 'utf8');
const purposes = new Map(
  [...before.matchAll(/^\| `([^`]+)` +\|[^|]*\|[^|]*\| (.*?) +\|$/gm)].map(([, name, purpose]) => [
    name,
    purpose,
  ]),
);
const problems = [];

function row([name, wanted]) {
  const { version, license } = packages[`node_modules/${name}`] ?? {};
  const purpose = purposes.get(name);
  if (!version) problems.push(`${name} is not in the lock file`);
  else if (version !== wanted) problems.push(`${name}: ${wanted} is asked for, ${version} locked`);
  if (!license) problems.push(`${name} names no licence`);
  if (!purpose) problems.push(`SECURITY.md does not say what ${name} is for`);
  return [`\`${name}\``, version ?? '', license ?? '', purpose ?? ''];
}

function table(dependencies) {
  const rows = [['package', 'version', 'licence', 'for'], ...Object.entries(dependencies).map(row)];
  const widths = rows[0].map((_cell, column) =>
    Math.max(...rows.map((cells) => cells[column].length)),
  );
  const line = (cells, fill = ' ') =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column], fill)).join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head), line(['', '', '', ''], '-'), ...body.map((cells) => line(cells))].join('\n');
}

const parts = { dependencies: manifest.dependencies, devDependencies: manifest.devDependencies };
let after = before;
for (const [name, dependencies] of Object.entries(parts)) {
  const place = new RegExp(`(<!-- ${name} -->\n\n)[^]*?(\n\n<!-- end -->)`);
  if (!place.test(after)) throw new Error(`SECURITY.md has no place for ${name}.`);
  after = after.replace(place, (_all, start, end) => start + table(dependencies) + end);
}

if (!process.argv.includes('--check')) writeFileSync(FILE, after);
else if (after !== before) problems.push('SECURITY.md is not up to date: npm run licences');
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
