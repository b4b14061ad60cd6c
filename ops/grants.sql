-- What the roles of ops/roles.sql may do. As a superuser, after each migration: psql -d rosetta -f ops/grants.sql

-- Before PostgreSQL 15 everybody may make tables.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO rosetta_owner;
GRANT USAGE ON SCHEMA public TO rosetta_gateway;

-- What is shown, who may ask, and whether the tables are up to date.
GRANT SELECT ON campaign, annotation_request, pool, task, annotation_history, deleted_row, change_history,
  access_key, _prisma_migrations TO rosetta_gateway;

-- What a gateway notes for all copies of it, also one that takes no data in: the nonces that were used, what callers have
-- cost, and the roll-ups of the workload.
GRANT SELECT, INSERT, UPDATE, DELETE ON used_nonce, caller_budget, workload_day, workload_zone, workload_stale
  TO rosetta_gateway;

-- What is put in, and the answers that are kept for repeated requests. Records are added only.
GRANT INSERT, UPDATE ON campaign, annotation_request, pool, task TO rosetta_ingest;
GRANT INSERT ON annotation_history TO rosetta_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO rosetta_ingest;
