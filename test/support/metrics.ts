import { parser } from '@prometheus-io/lezer-promql';
import type { Metrics } from '../../src/metrics/metrics.ts';

/** The series of the metrics, by their name with its labels as Prometheus writes them. */
export async function readSeries(metrics: Pick<Metrics, 'render'>): Promise<Map<string, number>> {
  const { text } = await metrics.render();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name, value] = /^(.+) (\S+)$/.exec(line)!;
      return [name!, Number(value)];
    }),
  );
}

/** The names that a text of the metrics has series under, those of histograms written out. */
export function namesIn(text: string): Set<string> {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return new Set(
    types.flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
    ),
  );
}

/** What an expression of PromQL asks for. @throws where it is none. */
export function readExpression(expression: string) {
  const names: string[] = [];
  const labels: [name: string, values: string[]][] = [];
  parser.parse(expression).iterate({
    enter({ type, from, to }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expression}`);
      if (type.name === 'Identifier') names.push(text);
      if (type.name === 'UnquotedLabelMatcher') {
        const [, name, values] = /^(\w+)[^"]*"(.*)"$/.exec(text)!;
        labels.push([name!, values!.split('|')]);
      }
      if (type.name === 'GroupingLabels') {
        for (const [name] of text.matchAll(/\w+/g)) labels.push([name, []]);
      }
    },
  });
  return { names, labels };
}
