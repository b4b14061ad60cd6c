import { configure } from 'safe-stable-stringify';
import type { Entity } from '../domain/entities.ts';

const stringify = configure({ deterministic: false });

/**
 * One line of the import format, without the line break: fields in the order of the entity, ids as JSON numbers with exact
 * digits, instants in RFC 3339 with `Z`, absent fields left out.
 */
export function toImportLine(entity: Entity): string {
  return stringify(entity);
}
