import type { DocumentNode } from 'graphql';
import type { ErrorCode } from '../domain/errors.ts';
import { DEFAULT_CHANGES, MAX_CHANGES } from '../domain/changes.ts';
import { ENTITY_TYPES, hasTextId, type EntityType } from '../domain/entities.ts';
import { MAX_PAGE_SIZE } from '../domain/paging.ts';
import {
  id,
  ids,
  optionalIds,
  optionalText,
  optionalWords,
  page,
  type Argument,
} from './arguments.ts';
import {
  CHANGES_DOCUMENT,
  STATISTICS_DOCUMENT,
  STATISTICS_RECORD_DOCUMENT,
  TASK_DOCUMENT,
  type ChangesData,
  type StatisticsRecordTexts,
  type StatisticsTexts,
  type TaskTexts,
} from './documents.ts';
import { toEntity } from './import-line.ts';
import { exactJson } from './json.ts';

/** One route: the GraphQL document that answers it, where its variables come from, and how REST tells the outcome. */
export interface Route<Data = unknown> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly takesQueryString: boolean;
  readonly document: DocumentNode;
  readonly operationName: string;
  /** Whether the document is answered in the plain form. */
  readonly isPlain: boolean;
  /** The document's variables, the page size aside. */
  readonly variables: Readonly<Record<string, Argument<unknown>>>;
  /** The variable `pageSize` of a list route: what is asked for, and the most that is served. */
  readonly pageSize?: { readonly asked: Argument<number>; readonly max: number };
  reply(data: Data): Reply;
}

/** The JSON text of the envelope's `data`; or the error that the document's data stands for. */
export type Reply = { readonly data: string } | { readonly errorCode: ErrorCode };

const getTask: Route<TaskTexts> = {
  method: 'POST',
  path: '/task/get',
  takesQueryString: false,
  document: TASK_DOCUMENT,
  operationName: 'RestTask',
  isPlain: true,
  variables: {
    campaignId: id('campaignId'),
    annotationRequestId: id('annotationRequestId'),
    sceneId: id('sceneId'),
  },
  reply: ({ taskByScene: data }) => ({ data }),
};

const getStatistics: Route<StatisticsTexts> = {
  method: 'GET',
  path: '/statistics',
  takesQueryString: true,
  document: STATISTICS_DOCUMENT,
  operationName: 'RestStatistics',
  isPlain: true,
  variables: {
    annotationRequestIds: ids('annotationRequestId'),
    // The platform calls the number of the page its offset, and the size its limit.
    page: page('offset', 1),
  },
  pageSize: { asked: page('limit', 10), max: MAX_PAGE_SIZE.Task },
  // A short answer would be billed as a complete one.
  reply: ({ unknownAnnotationRequestIds, count, data }) =>
    unknownAnnotationRequestIds === '[]'
      ? { data: `{"count":${count},"data":${data}}` }
      : { errorCode: 'ANNOTATION_REQUEST_NOT_FOUND' },
};

const getStatisticsRecord: Route<StatisticsRecordTexts> = {
  method: 'GET',
  path: '/statistics/record',
  takesQueryString: true,
  document: STATISTICS_RECORD_DOCUMENT,
  operationName: 'RestStatisticsRecord',
  isPlain: true,
  variables: {
    annotationRequestIds: ids('annotationRequestId'),
    page: page('pageNumber', 1),
  },
  pageSize: { asked: page('pageSize', 10), max: MAX_PAGE_SIZE.AnnotationHistory },
  reply: ({ data }) => ({ data }),
};

/** How GraphQL names the types of the import format. */
const TYPE_NAMES: Readonly<Record<EntityType, string>> = {
  campaign: 'CAMPAIGN',
  annotationRequest: 'ANNOTATION_REQUEST',
  pool: 'POOL',
  task: 'TASK',
  annotationHistory: 'ANNOTATION_HISTORY',
};

const getChanges: Route<ChangesData> = {
  method: 'GET',
  path: '/changes',
  takesQueryString: true,
  document: CHANGES_DOCUMENT,
  operationName: 'RestChanges',
  isPlain: false,
  variables: {
    after: optionalText('after'),
    types: (sources) => {
      const types = optionalWords('types', ENTITY_TYPES)(sources);
      return types?.map((type) => TYPE_NAMES[type]) ?? types;
    },
    campaignIds: optionalIds('campaignId'),
    annotationRequestIds: optionalIds('annotationRequestId'),
  },
  pageSize: { asked: page('limit', DEFAULT_CHANGES), max: MAX_CHANGES },
  reply({ changes }) {
    const entries = changes.entries.map(({ type, kind, key, node }) => {
      const name = ENTITY_TYPES.find((one) => TYPE_NAMES[one] === type)!;
      const id = hasTextId(name) ? key : BigInt(key);
      return { type: name, kind, id, row: node && toEntity(node) };
    });
    const { watermark, hasMore } = changes;
    return { data: exactJson({ watermark, hasMore, entries }) };
  },
};

const TABLE = [getTask, getStatistics, getStatisticsRecord, getChanges] as readonly Route[];

/** The platform's own base path, beside which every route answers under the root too. */
const BASE_PATH = '/rosetta-open';

/** The paths under which a route answers. */
export function pathsOf(path: string): string[] {
  return [path, BASE_PATH + path];
}

/** Every path that answers, with its route. */
export const ROUTES: ReadonlyMap<string, Route> = new Map(
  TABLE.flatMap((route) => pathsOf(route.path).map((path) => [path, route] as const)),
);

/** The parsed documents, to hold against a schema. */
export const REST_DOCUMENTS: readonly DocumentNode[] = TABLE.map((route) => route.document);
