import { ENTITY_TYPES, type EntityType } from './entities.ts';
import { GatewayError } from './errors.ts';

/** What can be exported, and the types of the rows whose changes bring an export up to date. */
export const EXPORTS = {
  all: ENTITY_TYPES,
  tasks: ['task'],
  'annotation-history': ['annotationHistory'],
  workload: ['annotationHistory'],
} as const satisfies Readonly<Record<string, readonly EntityType[]>>;

export type ExportName = keyof typeof EXPORTS;

export const EXPORT_NAMES = Object.keys(EXPORTS) as ExportName[];

/** How exports are written. */
export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How the bytes of an export may be packed. */
export const EXPORT_PACKINGS = ['gzip', 'br'] as const;
export type ExportPacking = (typeof EXPORT_PACKINGS)[number];

/** The version of what stands around the rows of an export. */
export const EXPORT_VERSION = 1;

/** The lines around the rows, by their `type`. */
export const FRAME_TYPES = ['exportStart', 'exportEnd', 'exportBroken'] as const;
export type FrameType = (typeof FRAME_TYPES)[number];

/** What an export can be asked for, and how each argument is written as text: as it is, as a list of words, or as JSON. */
export const EXPORT_ARGUMENTS = {
  format: 'text',
  after: 'text',
  filter: 'json',
  groupBy: 'words',
  timeZone: 'text',
  having: 'json',
  orderBy: 'json',
  measures: 'words',
} as const;

export type ExportArgument = keyof typeof EXPORT_ARGUMENTS;

export const EXPORT_ARGUMENT_NAMES = Object.keys(EXPORT_ARGUMENTS) as ExportArgument[];

/** The arguments that are given, by their names: JSON values of any kind. */
export type GivenArguments = Readonly<Partial<Record<ExportArgument, unknown>>>;

/**
 * Reads an argument that was given as text.
 * @throws GatewayError (BAD_USER_INPUT) if it is given twice, or is not the JSON it should be.
 */
export function readTextArgument(name: ExportArgument, texts: readonly string[]): unknown {
  const kind = EXPORT_ARGUMENTS[name];
  if (kind === 'words') return texts.flatMap((text) => text.split(','));
  const [text, ...others] = texts;
  if (text === undefined || others.length > 0) {
    throw new GatewayError('BAD_USER_INPUT', `The argument "${name}" is given twice.`);
  }
  if (kind === 'text') return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "${name}" is not JSON: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}
