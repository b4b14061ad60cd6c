import { ENTITY_TYPES, type EntityType } from '../domain/entities.ts';
import { FRAME_TYPES } from '../domain/exports.ts';
import type { Frame } from './frames.ts';
import { NumberText, parseExactly, type ExactJson } from './json.ts';
import type { Value } from './kinds.ts';
import { cut, Rejection, show, type LineProblem } from './problem.ts';
import { FIELDS, tableOf, type Line } from './tables.ts';

type JsonObject = Record<string, ExactJson | undefined>;

function isObject(value: ExactJson): value is Record<string, ExactJson> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof NumberText)
  );
}

function readType(value: ExactJson | undefined): EntityType {
  const type = ENTITY_TYPES.find((known) => known === value);
  if (type) return type;
  const problem =
    value === undefined
      ? 'type is missing'
      : typeof value === 'string'
        ? `There is no type ${show(value)}`
        : 'type is no text';
  throw new Rejection(
    'UNKNOWN_TYPE',
    'type',
    `${problem}; the types are ${ENTITY_TYPES.join(', ')}.`,
  );
}

function readFields(type: EntityType, object: JsonObject, ignoreUnknown: boolean) {
  if (!ignoreUnknown) {
    const { fields } = tableOf(type);
    const unknown = Object.keys(object).find(
      (key) => key !== 'type' && !Object.hasOwn(fields, key),
    );
    if (unknown !== undefined) {
      throw new Rejection(
        'UNKNOWN_FIELD',
        cut(unknown),
        `There is no field ${show(unknown)} in ${type}.`,
      );
    }
  }
  const values: Record<string, Value> = {};
  for (const { name, kind, absent } of FIELDS[type]) {
    const value = object[name];
    if (value === undefined) {
      if (absent === 'refused') throw new Rejection('INVALID', name, `${name} is missing.`);
    } else if (value === null && absent !== 'refused') {
      // What always has a value cannot be cleared: null says as little as an absent field.
      if (absent === 'null') values[name] = null;
    } else {
      values[name] = kind.read(value, name);
    }
  }
  return values;
}

/**
 * Reads an entity whose type is known, as {@link parseLine} does with the text of one.
 * @param number what tells it from others, as the number of a line does.
 */
export function parseEntity(number: number, type: EntityType, object: Record<string, ExactJson>) {
  try {
    return { number, type, fields: readFields(type, object, false) } as unknown as Line;
  } catch (error) {
    if (error instanceof Rejection) return error.at(number, type);
    throw error;
  }
}

/**
 * Reads the text of one line, without a look at any other.
 * @param ignoreUnknown whether fields that the type does not have are left out rather than refused.
 * @returns the line, what it says of others, or what is wrong with it.
 */
export function parseLine(
  number: number,
  text: string,
  ignoreUnknown: boolean,
): Line | Frame | LineProblem {
  let type: EntityType | null = null;
  try {
    const object = parseExactly(text);
    if (!isObject(object)) throw new Rejection('SYNTAX', null, 'The line is not a JSON object.');
    const frame = FRAME_TYPES.find((known) => known === object.type);
    if (frame) return { number, frame, content: object };
    type = readType(object.type);
    // The table of the type has checked that these are its fields.
    return { number, type, fields: readFields(type, object, ignoreUnknown) } as unknown as Line;
  } catch (error) {
    if (error instanceof Rejection) return error.at(number, type);
    throw error;
  }
}
