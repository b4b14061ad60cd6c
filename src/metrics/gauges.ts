import { Gauge, type Registry } from 'prom-client';

/** Levels by a label's values, each of them one of ours; undefined where there are none to tell. */
export type Levels = Readonly<Record<string, number>> | undefined;

/** Adds a level that is looked at whenever the metrics are asked for. */
export function addGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | Promise<number> | undefined,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      const level = await read();
      if (level !== undefined) this.set(level);
    },
  });
}

/** {@link addGauge}, of a level for each value of a label. */
export function addGauges(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Levels,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, level] of Object.entries(read() ?? {}))
        this.set({ [label]: value }, level);
    },
  });
}
