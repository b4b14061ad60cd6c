-- What changed, in an order that is final as far as it is shown. Every row holds the number of the transaction that wrote
-- it last, every deletion that of the one that deleted; a reader takes only numbers below those of all transactions that
-- are still open, so that whatever is committed later has a higher one.

-- The rows that stand already come first.
ALTER TABLE "campaign" ADD COLUMN "changed_in" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "annotation_request" ADD COLUMN "changed_in" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "pool" ADD COLUMN "changed_in" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "task" ADD COLUMN "changed_in" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "annotation_history" ADD COLUMN "changed_in" BIGINT NOT NULL DEFAULT 0;

CREATE INDEX "campaign_changed_in_id_idx" ON "campaign"("changed_in", "id");
CREATE INDEX "annotation_request_changed_in_id_idx" ON "annotation_request"("changed_in", "id");
CREATE INDEX "pool_changed_in_id_idx" ON "pool"("changed_in", "id");
CREATE INDEX "task_changed_in_id_idx" ON "task"("changed_in", "id");
CREATE INDEX "annotation_history_changed_in_id_idx" ON "annotation_history"("changed_in", "id");

CREATE TABLE "deleted_row" (
    "type" TEXT COLLATE "C" NOT NULL,
    "changed_in" BIGINT NOT NULL,
    "id" TEXT COLLATE "C" NOT NULL,
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "annotation_request_id" TEXT COLLATE "C",

    CONSTRAINT "deleted_row_pkey" PRIMARY KEY ("type", "changed_in", "id")
);

-- One row, with an id of its own in every database.
CREATE TABLE "change_history" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),

    CONSTRAINT "change_history_pkey" PRIMARY KEY ("id")
);
INSERT INTO "change_history" DEFAULT VALUES;

-- The number of a transaction. `continue_change_history` below replaces this function by one that adds something.
CREATE FUNCTION "change_number"(xid8) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS 'SELECT $1::text::bigint';

-- Names are qualified: where a dump is restored into tables that exist, the search path is empty.
CREATE FUNCTION "note_change"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    NEW."changed_in" := public."change_number"(pg_current_xact_id());
    RETURN NEW;
END;
$$;
CREATE TRIGGER "campaign_changed" BEFORE INSERT OR UPDATE ON "campaign" FOR EACH ROW EXECUTE FUNCTION "note_change"();
CREATE TRIGGER "annotation_request_changed" BEFORE INSERT OR UPDATE ON "annotation_request" FOR EACH ROW EXECUTE FUNCTION "note_change"();
CREATE TRIGGER "pool_changed" BEFORE INSERT OR UPDATE ON "pool" FOR EACH ROW EXECUTE FUNCTION "note_change"();
CREATE TRIGGER "task_changed" BEFORE INSERT OR UPDATE ON "task" FOR EACH ROW EXECUTE FUNCTION "note_change"();
CREATE TRIGGER "annotation_history_changed" BEFORE INSERT ON "annotation_history" FOR EACH ROW EXECUTE FUNCTION "note_change"();

-- The arguments: the type of the rows, and the columns that hold their campaign and their request.
CREATE FUNCTION "note_deletion"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO public."deleted_row" ("type", "changed_in", "id", "campaign_id", "annotation_request_id")
         SELECT %L, public."change_number"(pg_current_xact_id()), "id"::text, %s, %s FROM "gone"
         ON CONFLICT DO NOTHING',
        TG_ARGV[0], TG_ARGV[1], TG_ARGV[2]
    );
    RETURN NULL;
END;
$$;
CREATE TRIGGER "campaign_deleted" AFTER DELETE ON "campaign" REFERENCING OLD TABLE AS "gone"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_deletion"('campaign', 'id', 'NULL');
CREATE TRIGGER "annotation_request_deleted" AFTER DELETE ON "annotation_request" REFERENCING OLD TABLE AS "gone"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_deletion"('annotationRequest', 'campaign_id', 'id');
CREATE TRIGGER "pool_deleted" AFTER DELETE ON "pool" REFERENCING OLD TABLE AS "gone"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_deletion"('pool', 'campaign_id', 'NULL');
CREATE TRIGGER "task_deleted" AFTER DELETE ON "task" REFERENCING OLD TABLE AS "gone"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_deletion"('task', 'campaign_id', 'annotation_request_id');
CREATE TRIGGER "annotation_history_deleted" AFTER DELETE ON "annotation_history" REFERENCING OLD TABLE AS "gone"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_deletion"('annotationHistory', 'campaign_id', 'annotation_request_id');

-- Nothing tells which rows TRUNCATE removes: it begins another history, to which no watermark of this one belongs.
CREATE FUNCTION "begin_change_history"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public."change_history" SET "id" = gen_random_uuid();
    RETURN NULL;
END;
$$;
CREATE TRIGGER "campaign_truncated" AFTER TRUNCATE ON "campaign" FOR EACH STATEMENT EXECUTE FUNCTION "begin_change_history"();
CREATE TRIGGER "annotation_request_truncated" AFTER TRUNCATE ON "annotation_request" FOR EACH STATEMENT EXECUTE FUNCTION "begin_change_history"();
CREATE TRIGGER "pool_truncated" AFTER TRUNCATE ON "pool" FOR EACH STATEMENT EXECUTE FUNCTION "begin_change_history"();
CREATE TRIGGER "task_truncated" AFTER TRUNCATE ON "task" FOR EACH STATEMENT EXECUTE FUNCTION "begin_change_history"();
CREATE TRIGGER "annotation_history_truncated" AFTER TRUNCATE ON "annotation_history" FOR EACH STATEMENT EXECUTE FUNCTION "begin_change_history"();
CREATE TRIGGER "deleted_row_truncated" AFTER TRUNCATE ON "deleted_row" FOR EACH STATEMENT EXECUTE FUNCTION "begin_change_history"();

-- Which history this is. A copy, or a database restored from a dump, has the same row in `change_history`, but never the
-- same table in the same database of the same cluster.
CREATE FUNCTION "change_history_identity"() RETURNS TEXT LANGUAGE plpgsql STABLE AS $$
DECLARE
    cluster TEXT := '';
BEGIN
    IF has_function_privilege('pg_control_system()', 'EXECUTE') THEN
        SELECT "system_identifier"::text INTO cluster FROM pg_control_system();
    END IF;
    RETURN md5(concat_ws(
        ' ',
        cluster,
        (SELECT "oid" FROM pg_database WHERE "datname" = current_database()),
        'public.change_history'::regclass::oid,
        (SELECT "id" FROM public."change_history")
    ));
END;
$$;

-- The highest number that a row or a deletion has.
CREATE FUNCTION "highest_change"() RETURNS BIGINT LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN greatest(
        (SELECT max("changed_in") FROM public."campaign"),
        (SELECT max("changed_in") FROM public."annotation_request"),
        (SELECT max("changed_in") FROM public."pool"),
        (SELECT max("changed_in") FROM public."task"),
        (SELECT max("changed_in") FROM public."annotation_history"),
        (SELECT max("changed_in") FROM public."deleted_row" WHERE "type" = 'campaign'),
        (SELECT max("changed_in") FROM public."deleted_row" WHERE "type" = 'annotationRequest'),
        (SELECT max("changed_in") FROM public."deleted_row" WHERE "type" = 'pool'),
        (SELECT max("changed_in") FROM public."deleted_row" WHERE "type" = 'task'),
        (SELECT max("changed_in") FROM public."deleted_row" WHERE "type" = 'annotationHistory')
    );
END;
$$;

-- A dump restores rows with the numbers they had, which may be above everything that the new cluster will reach for years.
-- From then on, transactions get numbers above those. Writers are kept out until all of them use the new function.
CREATE FUNCTION "continue_change_history"() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    highest BIGINT := public."highest_change"();
BEGIN
    IF highest >= public."change_number"(pg_snapshot_xmax(pg_current_snapshot())) THEN
        LOCK TABLE public."campaign", public."annotation_request", public."pool", public."task",
            public."annotation_history", public."deleted_row" IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION public."change_number"(xid8) RETURNS BIGINT LANGUAGE sql IMMUTABLE
             AS ''SELECT $1::text::bigint + %s''',
            public."highest_change"()
        );
        UPDATE public."change_history" SET "id" = gen_random_uuid();
    END IF;
END;
$$;
