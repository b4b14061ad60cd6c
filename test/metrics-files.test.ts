import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../src/metrics/metrics.ts';
import { OUTCOMES } from '../src/metrics/outcome.ts';
import { namesIn, readExpression } from './support/metrics.ts';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; action: string };
}

interface Panel {
  id: number;
  title: string;
  gridPos: { x: number; y: number };
  targets: { expr: string; legendFormat: string }[];
}

const read = (name: string) => readFileSync(new URL(`../ops/${name}`, import.meta.url), 'utf8');
const alerts = parse(read('prometheus-alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('grafana-dashboard.json')) as {
  panels: Panel[];
  templating: { list: { query?: string | { query: string } }[] };
};

/** What Prometheus adds to whatever it is told. */
const BY_PROMETHEUS = { names: ['up'], labels: ['job', 'instance', 'le'] };
/** The labels of the gateway's own metrics. */
const LABELS =
  'route operation outcome code reason status transport state type export version node answered'.split(
    ' ',
  );
/** What outcomes there are: of requests, of imported rows and of exports. */
const ALL_OUTCOMES: string[] = [
  ...OUTCOMES,
  ...['created', 'updated', 'unchanged', 'stale', 'rejected'],
  ...['complete', 'broken_off', 'refused'],
];

const { text } = await createMetrics('1.2.3').render();
const known = new Set([...namesIn(text), ...BY_PROMETHEUS.names]);

function expectKnown(expression: string) {
  const { names, labels } = readExpression(expression.replaceAll('$__rate_interval', '5m'));
  expect(names).not.toEqual([]);
  for (const name of names) expect(known, expression).toContain(name);
  for (const [label, values] of labels) {
    expect([...LABELS, ...BY_PROMETHEUS.labels], expression).toContain(label);
    if (label !== 'outcome') continue;
    for (const value of values) expect(ALL_OUTCOMES, expression).toContain(value);
  }
}

it.each(rules)('alert $alert asks for what there is, and says what to do', (rule) => {
  expectKnown(rule.expr);
  expect(rule.alert).toMatch(/^RosettaGateway[A-Z]\w+$/);
  expect(rule.for ?? '1m').toMatch(/^\d+[smh]$/);
  expect(['critical', 'warning']).toContain(rule.labels.severity);
  expect(rule.annotations.summary).toMatch(/\.$/);
  expect(rule.annotations.action).toMatch(/^[A-Z].{20,}\.$/s);
});

it('no two alerts have one name', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

it.each(dashboard.panels)('panel "$title" asks for what there is', ({ targets }) => {
  expect(targets).not.toEqual([]);
  for (const { expr, legendFormat } of targets) {
    expectKnown(expr);
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      expect([...LABELS, ...BY_PROMETHEUS.labels]).toContain(label);
    }
  }
});

it('the panels stand beside one another, and the variables ask for what there is', () => {
  const places = dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
  expect(new Set(places).size).toBe(places.length);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(places.length);
  const queries = dashboard.templating.list.flatMap(({ query }) =>
    typeof query === 'object' ? [query.query] : [],
  );
  expect(queries).toHaveLength(2);
  for (const query of queries) expectKnown(/^label_values\((.+), \w+\)$/.exec(query)![1]!);
});

it('every metric of the gateway is on the dashboard', () => {
  const all = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  const own = [...text.matchAll(/^# TYPE (rosetta_gateway_\S+) /gm)].map(([, name]) => name!);
  for (const name of own) expect(all).toContain(name);
});
