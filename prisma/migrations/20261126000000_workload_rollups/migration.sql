-- Roll-ups of the workload: what the records of a request come to, by operator and day. The gateway keeps them; whoever
-- writes records only notes since when those of a request may differ, in the same transaction. Whoever reads takes roll-ups
-- as far as no note stands against them, and records from there on, so that what he reads is exact at any moment.

-- A row for each operator (null: nobody) and day of whom or which a request has records of its own, or received rejections.
CREATE TABLE "workload_day" (
    "annotation_request_id" TEXT COLLATE "C" NOT NULL,
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "pool_assignee_id" BIGINT,
    "day" DATE NOT NULL,
    "record_count" INTEGER NOT NULL,
    "task_count" INTEGER NOT NULL,
    "instances" BIGINT NOT NULL,
    "attributes" BIGINT NOT NULL,
    "frames" BIGINT NOT NULL,
    "submissions" INTEGER NOT NULL,
    "checks" INTEGER NOT NULL,
    "samplings" INTEGER NOT NULL,
    "rejections_given" INTEGER NOT NULL,
    "returns_given" INTEGER NOT NULL,
    "rejections_received" INTEGER NOT NULL,
    "returns_received" INTEGER NOT NULL,
    "first_record_at" TIMESTAMPTZ(3),
    "last_record_at" TIMESTAMPTZ(3)
);
CREATE INDEX "workload_day_annotation_request_id_day_idx" ON "workload_day"("annotation_request_id", "day");
CREATE INDEX "workload_day_campaign_id_idx" ON "workload_day"("campaign_id");

-- The time zone of those days, in one row at most; UTC where there is none.
CREATE TABLE "workload_zone" (
    "time_zone" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "workload_zone_pkey" PRIMARY KEY ("time_zone")
);

-- What a request has from an instant on may differ from its roll-ups. Notes are only added, and never the same row by two
-- writers: none waits for another.
CREATE TABLE "workload_stale" (
    "annotation_request_id" TEXT COLLATE "C" NOT NULL,
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "workload_stale_annotation_request_id_idx" ON "workload_stale"("annotation_request_id");

-- A submission decides whose all later rejections of its task are, also those that another transaction has just written and
-- nobody else sees yet. Hence a note is about all that is later, and not about the days of the rows alone.
CREATE FUNCTION "note_stale_workload"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public."workload_stale" ("annotation_request_id", "campaign_id", "since")
        SELECT "annotation_request_id", "campaign_id", min("created_time") FROM "written"
        GROUP BY "annotation_request_id", "campaign_id";
    RETURN NULL;
END;
$$;
CREATE TRIGGER "annotation_history_inserted_workload" AFTER INSERT ON "annotation_history" REFERENCING NEW TABLE AS "written"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_stale_workload"();
CREATE TRIGGER "annotation_history_deleted_workload" AFTER DELETE ON "annotation_history" REFERENCING OLD TABLE AS "written"
    FOR EACH STATEMENT EXECUTE FUNCTION "note_stale_workload"();

-- Nothing tells what TRUNCATE removes. Under a snapshot of its own, roll-ups that others have just made would stay.
CREATE FUNCTION "empty_workload"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'annotation_history can be truncated only under READ COMMITTED' USING ERRCODE = '25001';
    END IF;
    DELETE FROM public."workload_day";
    DELETE FROM public."workload_stale";
    RETURN NULL;
END;
$$;
CREATE TRIGGER "annotation_history_truncated_workload" AFTER TRUNCATE ON "annotation_history"
    FOR EACH STATEMENT EXECUTE FUNCTION "empty_workload"();

-- Nothing is rolled up yet.
INSERT INTO "workload_stale" ("annotation_request_id", "campaign_id", "since")
    SELECT "id", "campaign_id", '-infinity' FROM "annotation_request";
