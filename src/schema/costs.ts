import { costs, type FieldCost } from '../cost/declare.ts';
import type { Range, WorkRange } from '../database/ranges.ts';
import type { ScopeKind } from '../database/scope.ts';
import type { ListName } from '../domain/lists/fields.ts';
import type { Noun } from '../domain/nouns.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../domain/paging.ts';

/**
 * Points for going through all rows once, to count them: as it takes with a million records in a hundred campaigns, each of
 * twenty requests of fifty tasks.
 */
const ALL_ROWS: Readonly<Record<Noun, number>> = {
  Campaign: 5,
  AnnotationRequest: 50,
  Pool: 50,
  Task: 500,
  AnnotationHistory: 2000,
};

/** The same of the rows that hang on another row. */
const ROWS_OF_RANGE: Readonly<Record<Range, number>> = {
  requestsOfCampaign: 2,
  poolsOfCampaign: 2,
  tasksOfCampaign: 50,
  tasksOfRequest: 5,
  tasksOfPool: 50,
  historyOfRequest: 10,
  historyOfTask: 1,
};

/** Points for what measures go through: the work on the tasks of a row. Over all campaigns they are asked with a filter. */
const WORK: Readonly<Record<ScopeKind | 'everything', number>> = {
  Campaign: 50,
  AnnotationRequest: 5,
  Pool: 50,
  everything: 500,
};

/** The rows behind a number are found among those that it was made of, for all numbers of an answer at once. */
const ROWS_BEHIND_NUMBER = 10;

const pageOf = (list: ListName) => ({
  from: ['first', 'last'],
  unless: DEFAULT_PAGE_SIZE,
  max: MAX_PAGE_SIZE[list],
});

const listOf = (noun: Noun, whole: number, within?: string): FieldCost => ({
  price: 1,
  page: { ...pageOf(noun), order: 'orderBy' },
  whole,
  filter: { rows: whole, ...(within && { within }) },
});

/** What a list of all rows costs. */
export const listCost = (noun: Noun) => costs(listOf(noun, ALL_ROWS[noun], 'annotationRequestIds'));

/** What a list of the rows that hang on another row costs. */
export const relatedListCost = (noun: Noun, range: Range) =>
  costs(listOf(noun, ROWS_OF_RANGE[range]));

/** What a list of the rows behind a number costs. */
export const evidenceCost = (noun: Noun) =>
  costs({ price: 5, page: pageOf(noun), whole: ROWS_BEHIND_NUMBER });

/** What a page by its number costs, of the rows of some requests: those that it skips are gone through. */
export const numberedPageCost = (noun: 'Task' | 'AnnotationHistory') => {
  const whole = ROWS_OF_RANGE[noun === 'Task' ? 'tasksOfRequest' : 'historyOfRequest'];
  const max = MAX_PAGE_SIZE[noun];
  return costs({
    page: { from: ['pageSize'], unless: max, max, order: 'page' },
    whole,
    wholes: { from: ['annotationRequestIds'], unless: 1, max: ALL_ROWS[noun] / whole },
  });
};

/** Whose work the tasks of a range are. */
export const scopeOfRange = (range: WorkRange): ScopeKind =>
  (
    ({
      tasksOfCampaign: 'Campaign',
      tasksOfRequest: 'AnnotationRequest',
      tasksOfPool: 'Pool',
    }) as const
  )[range];

/**
 * What a measure of the work of a scope costs.
 * @param times how often all of it is gone through, beside what the fields of the measure have to do with it.
 * @param items how many the measure lists at most, where it is a list.
 */
export const measureCost = (scope: ScopeKind, times: number, items?: number) =>
  costs({ price: times * WORK[scope], whole: WORK[scope], ...(items && { items }) });

/** What a report on the work of a scope costs: a page of groups, for which it goes through all of it so many times. */
export const reportCost = (list: ListName, scope: ScopeKind | undefined, times: number) => {
  const whole = WORK[scope ?? 'everything'];
  return costs({
    price: times * whole,
    page: pageOf(list),
    whole: times * whole,
    filter: { rows: scope ? whole : ALL_ROWS.AnnotationHistory, isPaid: true },
  });
};

/** The rows of the page that a field is a part of. */
export const ROWS_OF_PAGE = costs({ items: 'page' });
