/** Where GraphQL is, which REST's table of routes does not list. */
export const GRAPHQL_PATH = '/graphql';

/** Prometheus asks there. */
export const METRICS_PATH = '/metrics';

/** Whether the process lives. */
export const LIVENESS_PATH = '/healthz';

/** Whether it lives, and whether it can answer. */
export const PROBE_PATHS: ReadonlySet<string> = new Set([LIVENESS_PATH, '/readyz']);
