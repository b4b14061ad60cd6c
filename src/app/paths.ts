/** Where GraphQL is, which REST's table of routes does not list. */
export const GRAPHQL_PATH = '/graphql';

/** Prometheus asks there. */
export const METRICS_PATH = '/metrics';

/** Whether the process lives, and whether it can answer. */
export const LIVENESS_PATH = '/healthz';
export const READINESS_PATH = '/readyz';
export const PROBE_PATHS: ReadonlySet<string> = new Set([LIVENESS_PATH, READINESS_PATH]);
