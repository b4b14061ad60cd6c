-- The roles of a gateway in production. Once, as a superuser: psql -f ops/roles.sql; then give each a password (\password).

-- Owns the tables: migrates them, and runs the commands (migrate, import, delete, keys).
CREATE ROLE rosetta_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;

-- Serves requests, and can change none of the rows that it shows; it keeps the roll-ups that sums are read from.
CREATE ROLE rosetta_gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;

-- The same for gateways with GATEWAY_INGEST=on: it may add and update rows, and delete none.
CREATE ROLE rosetta_ingest LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE IN ROLE rosetta_gateway;
