import { EXPORTS, type ExportFormat, type ExportName } from '../domain/exports.ts';
import { NOUN_OF_TYPE } from '../domain/changes.ts';
import { asksForPeople, type Sight } from '../database/scoped.ts';
import type { EntityType } from '../domain/entities.ts';
import { GatewayError } from '../domain/errors.ts';
import { filterWhere } from '../domain/lists/where.ts';
import { readId } from '../domain/nouns.ts';
import { peopleAreHidden } from '../domain/viewer.ts';
import type { WorkloadArguments } from '../domain/workload.ts';
import { sectionOf, type Section } from './sections.ts';
import { workloadSection } from './workload.ts';

/** What is to be exported, with conditions as GraphQL hands them over. */
export interface ExportTerms extends Partial<WorkloadArguments> {
  readonly of: ExportName;
  readonly format: ExportFormat;
  /** The last row that was received of an export that broke off, as `type:id`. */
  readonly after?: string | undefined;
  /** The names of the measures of the workload; all, unless told. */
  readonly measures?: readonly string[] | undefined;
  /** The filter as it was given, for whoever reads the export. */
  readonly givenFilter?: unknown;
}

/** An export that can be read. */
export interface Plan extends Pick<ExportTerms, 'of' | 'format' | 'after' | 'givenFilter'> {
  /** The types of the rows whose changes bring it up to date. */
  readonly types: readonly EntityType[];
  /** In the order in which they are read. */
  readonly sections: readonly Section[];
  /** What whoever reads it sees. */
  readonly sight: Sight;
}

/** @throws GatewayError (BAD_USER_INPUT) for anything but a row that the export can have. */
function readAfter(
  after: string,
  of: ExportName,
  types: readonly EntityType[],
): { type: EntityType; id: string } {
  const colon = after.indexOf(':');
  const type = types.find((name) => name === after.slice(0, colon));
  const id = after.slice(colon + 1);
  if (!type || readId(NOUN_OF_TYPE[type], id) === undefined) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "after" is ${JSON.stringify(after.slice(0, 300))}; it may be the last row received, as TYPE:ID, where ${of} has rows of the types ${types.join(', ')}.`,
    );
  }
  return { type, id };
}

function entitySections({ of, after, filter }: ExportTerms): Section[] {
  const types: readonly EntityType[] = EXPORTS[of];
  const model = of === 'all' ? 'Campaign' : NOUN_OF_TYPE[types[0]!];
  const wanted = { model, where: filterWhere(model, filter) };
  const last = after === undefined ? undefined : readAfter(after, of, types);
  const rest = last ? types.slice(types.indexOf(last.type)) : types;
  return rest.map((type) => sectionOf(type, wanted, type === last?.type ? last.id : undefined));
}

/**
 * @param sight what whoever reads the export sees.
 * @param rollUpZone the time zone of the roll-ups that may be read; undefined where none may.
 * @throws GatewayError BAD_USER_INPUT for terms that cannot be fulfilled, FORBIDDEN for people who are hidden.
 */
export function planExport(terms: ExportTerms, sight: Sight, rollUpZone?: string): Plan {
  const { of, format, after, givenFilter, filter, groupBy, having, orderBy } = terms;
  if (sight.people === 'hidden' && asksForPeople({ filter, groupBy, having, orderBy }, true)) {
    throw peopleAreHidden();
  }
  if (of === 'workload' && after !== undefined) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The workload cannot be continued with "after": its rows are sums, and those of another moment would not add up to the ones received. Begin anew.',
    );
  }
  const sections =
    of === 'workload'
      ? [workloadSection({ groupBy: [], ...terms }, terms.measures, sight, rollUpZone)]
      : entitySections(terms);
  return { of, format, after, givenFilter, types: EXPORTS[of], sections, sight };
}
