import {
  EXPORT_FORMATS,
  type ExportArgument,
  type ExportFormat,
  type ExportName,
  type GivenArguments,
} from '../domain/exports.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ExportTerms } from '../export/export.ts';
import { readQueryArguments } from '../schema/arguments.ts';

/** The list of GraphQL that has the same rows, or whose rows are exported with all that is in them, and its arguments. */
const LISTS: Readonly<Record<ExportName, { field: string; arguments: readonly ExportArgument[] }>> =
  {
    all: { field: 'campaigns', arguments: ['filter'] },
    tasks: { field: 'tasks', arguments: ['filter'] },
    'annotation-history': { field: 'annotationHistory', arguments: ['filter'] },
    workload: {
      field: 'workload',
      arguments: ['filter', 'groupBy', 'timeZone', 'having', 'orderBy'],
    },
  };

/** The arguments that GraphQL knows nothing of. */
const OWN = ['format', 'after'] as const;

function bad(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}

function readText(name: ExportArgument, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw bad(`The argument "${name}" must be text.`);
}

function readFormat(value: unknown, byDefault: ExportFormat): ExportFormat {
  const name = readText('format', value);
  const format = name === undefined ? byDefault : EXPORT_FORMATS.find((known) => known === name);
  if (format) return format;
  throw bad(
    `The argument "format" is ${JSON.stringify(name)}; it may be ${EXPORT_FORMATS.join(' or ')}.`,
  );
}

function readWords(name: ExportArgument, value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  const words = [value].flat();
  if (words.every((word) => typeof word === 'string')) return words;
  throw bad(`The argument "${name}" must be a list of texts.`);
}

/**
 * Reads what is to be exported: filters and the like by the rules of the GraphQL list that has the same rows.
 * @param byDefault the format where none is given.
 * @throws GatewayError (BAD_USER_INPUT) for whatever the export does not take.
 */
export function readExportTerms(
  of: ExportName,
  given: GivenArguments,
  byDefault: ExportFormat,
): ExportTerms {
  const list = LISTS[of];
  const allowed: readonly string[] = [
    ...OWN,
    ...list.arguments,
    ...(of === 'workload' ? ['measures'] : []),
  ];
  const names = Object.keys(given) as ExportArgument[];
  const unknown = names.find((name) => !allowed.includes(name));
  if (unknown) throw bad(`The export of ${of} has no argument "${unknown}".`);
  const ofList = names.filter((name) => list.arguments.includes(name));
  return {
    ...readQueryArguments(
      list.field,
      Object.fromEntries(ofList.map((name) => [name, given[name]])),
    ),
    of,
    format: readFormat(given.format, byDefault),
    after: readText('after', given.after),
    measures: readWords('measures', given.measures),
    givenFilter: given.filter,
  };
}
