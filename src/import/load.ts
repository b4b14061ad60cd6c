import { ENTITY_TYPES, type EntityType } from '../domain/entities.ts';
import { allFields, selectRows, type Transaction } from './sql.ts';
import { emptyState, valueOf, type State } from './state.ts';
import { REFERENCES, tableOf, type Line, type Row } from './tables.ts';

type Keys = Record<EntityType, Set<string>>;

const noKeys = () =>
  Object.fromEntries(ENTITY_TYPES.map((type) => [type, new Set<string>()])) as Keys;

/** The keys that lines have themselves, and those they refer to. */
function collectKeys(lines: readonly Line[]): { own: Keys; referred: Keys } {
  const own = noKeys();
  const referred = noKeys();
  for (const { type, fields } of lines) {
    own[type].add(fields.id);
    for (const { field, target } of REFERENCES[type]) {
      referred[target].add((fields as unknown as Row)[field] as string);
    }
  }
  return { own, referred };
}

const asRows = (ids: Iterable<string>) => Array.from(ids, (id): Row => ({ id }));

/** The different values that lines of a type give to a set of fields. */
function valuesOf(lines: readonly Line[], type: EntityType, fields: readonly string[]): Row[] {
  const values = new Map<string, Row>();
  for (const line of lines) {
    if (line.type !== type) continue;
    const given = line.fields as unknown as Row;
    const value = Object.fromEntries(fields.map((field) => [field, given[field]!]));
    values.set(valueOf(given, fields), value as Row);
  }
  return [...values.values()];
}

/**
 * Loads what is stored and matters to these lines, in a few statements. Rows that a line may update stay locked until
 * the transaction ends; records never change and need no lock.
 * @param campaigns those that exist for whoever imports; undefined: all.
 */
export async function loadState(
  tx: Transaction,
  lines: readonly Line[],
  campaigns: readonly string[] | undefined,
): Promise<State> {
  const state = emptyState();
  const { own, referred } = collectKeys(lines);
  const isForeign = (campaign: unknown) => campaigns?.includes(campaign as string) === false;
  for (const id of own.campaign) if (isForeign(id)) state.campaign.foreign.add(id);
  for (const type of ENTITY_TYPES) {
    const { place } = tableOf(type);
    const table = state[type];
    const campaignField = type === 'campaign' ? 'id' : 'campaignId';
    const note = (row: Row, isWhole: boolean) => {
      if (isForeign(row[campaignField])) table.foreign.add(row.id);
      else table.noteStored(row, isWhole);
    };
    if (own[type].size > 0) {
      const lock = type !== 'annotationHistory';
      const rows = await selectRows(tx, type, ['id'], asRows(own[type]), allFields(type), lock);
      for (const row of rows) note(row, true);
    }
    const others = [...referred[type]].filter((id) => !own[type].has(id));
    if (others.length > 0) {
      const wanted = ['id', ...place];
      const rows = await selectRows(tx, type, ['id'], asRows(others), wanted, false);
      for (const row of rows) note(row, false);
    }
    for (const index of own[type].size > 0 ? table.unique : []) {
      const values = valuesOf(lines, type, index.fields);
      const wanted = [...new Set(['id', ...index.fields, campaignField])];
      const holders = await selectRows(tx, type, index.fields, values, wanted, false);
      for (const holder of holders) {
        index.note(holder);
        if (isForeign(holder[campaignField])) table.foreign.add(holder.id);
      }
    }
  }
  return state;
}
