import { ENTITY_TYPES, type EntityType } from '../domain/entities.ts';
import { tableOf, type Row } from './tables.ts';

/** What rows below a row need to know of it. */
export type Place = Readonly<Record<string, string>>;

/** The values a row has in some text fields, as one. NUL keeps them apart, since none can hold it. */
export function valueOf(row: Row, fields: readonly string[]): string {
  return fields.map((field) => row[field] as string).join('\0');
}

/** Who holds each value of one set of fields that must be unique. */
class UniqueIndex {
  readonly #owners = new Map<string, string>();
  /** Values that a row gave up, and whose giving up is not written yet. */
  readonly freed = new Set<string>();

  constructor(readonly fields: readonly string[]) {}

  ownerOf(row: Row): string | undefined {
    return this.#owners.get(valueOf(row, this.fields));
  }

  isFreed(row: Row): boolean {
    return this.freed.has(valueOf(row, this.fields));
  }

  move(from: Row | undefined, to: Row): void {
    const value = valueOf(to, this.fields);
    if (from) {
      const old = valueOf(from, this.fields);
      if (old === value) return;
      this.#owners.delete(old);
      this.freed.add(old);
    }
    this.#owners.set(value, to.id);
  }

  /** Notes a row that is stored. */
  note(row: Row): void {
    this.#owners.set(valueOf(row, this.fields), row.id);
  }
}

/** One table as far as a batch touches it, with what the batch has changed so far laid over it. */
export class TableState {
  /** The rows that lines of the batch name by their own key. */
  readonly rows = new Map<string, Row>();
  /** Every row that the batch knows of, those it only refers to included. */
  readonly places = new Map<string, Place>();
  readonly unique: readonly UniqueIndex[];
  /** Keys of rows that are not written yet. */
  readonly created = new Set<string>();
  readonly updated = new Set<string>();
  /** Keys of rows that belong to a campaign which does not exist for whoever imports. */
  readonly foreign = new Set<string>();
  readonly #placeFields: readonly string[];

  constructor(type: EntityType) {
    const { unique, place } = tableOf(type);
    this.unique = unique.map((fields) => new UniqueIndex(fields));
    this.#placeFields = place;
  }

  /** Takes over a row, or a part of it that has at least its place, as it is stored. */
  noteStored(row: Row, isWhole: boolean): void {
    if (isWhole) this.rows.set(row.id, row);
    this.places.set(row.id, this.#placeOf(row));
  }

  create(row: Row): void {
    for (const index of this.unique) index.move(undefined, row);
    this.noteStored(row, true);
    this.created.add(row.id);
  }

  update(from: Row, to: Row): void {
    for (const index of this.unique) index.move(from, to);
    this.rows.set(to.id, to);
    if (!this.created.has(to.id)) this.updated.add(to.id);
  }

  /** After everything so far has been written. */
  settle(): void {
    this.created.clear();
    this.updated.clear();
    for (const index of this.unique) index.freed.clear();
  }

  #placeOf(row: Row): Place {
    return Object.fromEntries(this.#placeFields.map((field) => [field, row[field] as string]));
  }
}

export type State = Readonly<Record<EntityType, TableState>>;

export function emptyState(): State {
  return Object.fromEntries(ENTITY_TYPES.map((type) => [type, new TableState(type)])) as Record<
    EntityType,
    TableState
  >;
}
