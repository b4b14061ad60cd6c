-- The model of schema.prisma, and what Prisma's language cannot say:
-- * text compares by its UTF-8 bytes (COLLATE "C"), whatever the database's collation;
-- * codes and counts are whole numbers from 0 to 2^31-1, ids from 0 to 2^63-1, names and ids 1 to 255 bytes long;
-- * a record of the history never changes.

CREATE TYPE "campaign_type" AS ENUM ('POC', 'FORMAL');

CREATE TABLE "campaign" (
    "id" TEXT COLLATE "C" NOT NULL CHECK (octet_length("id") BETWEEN 1 AND 255),
    "project_id" BIGINT NOT NULL CHECK ("project_id" >= 0),
    "name" TEXT COLLATE "C" NOT NULL CHECK (octet_length("name") BETWEEN 1 AND 255),
    "campaign_type" "campaign_type" NOT NULL,
    "workflow_type" TEXT COLLATE "C",
    "folder_name" TEXT COLLATE "C",
    "taxonomy_version_name" TEXT COLLATE "C",

    CONSTRAINT "campaign_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "annotation_request" (
    "id" TEXT COLLATE "C" NOT NULL CHECK (octet_length("id") BETWEEN 1 AND 255),
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL CHECK (octet_length("name") BETWEEN 1 AND 255),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "annotation_request_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "pool" (
    "id" BIGINT NOT NULL CHECK ("id" >= 0),
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL CHECK (octet_length("name") BETWEEN 1 AND 255),
    "pool_type" INTEGER NOT NULL CHECK ("pool_type" >= 0),

    CONSTRAINT "pool_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "task" (
    "id" BIGINT NOT NULL CHECK ("id" >= 0),
    "annotation_request_id" TEXT COLLATE "C" NOT NULL,
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "pool_id" BIGINT NOT NULL,
    "scene_id" TEXT COLLATE "C" NOT NULL CHECK (octet_length("scene_id") BETWEEN 1 AND 255),
    "status" INTEGER NOT NULL CHECK ("status" >= 0),
    "instance_info" JSONB NOT NULL CHECK (jsonb_typeof("instance_info") = 'object'),
    "instance_num" INTEGER NOT NULL CHECK ("instance_num" >= 0),
    "attribute_num" INTEGER NOT NULL CHECK ("attribute_num" >= 0),
    "frame_num" INTEGER NOT NULL CHECK ("frame_num" >= 0),
    "last_record_id" BIGINT CHECK ("last_record_id" >= 0),

    CONSTRAINT "task_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "annotation_history" (
    "id" BIGINT NOT NULL CHECK ("id" >= 0),
    "task_id" BIGINT NOT NULL,
    "annotation_request_id" TEXT COLLATE "C" NOT NULL,
    "campaign_id" TEXT COLLATE "C" NOT NULL,
    "pool_id" BIGINT NOT NULL,
    "status" INTEGER NOT NULL CHECK ("status" >= 0),
    "action_type" INTEGER NOT NULL CHECK ("action_type" >= 0),
    "team_id" BIGINT CHECK ("team_id" >= 0),
    "pool_assignee_id" BIGINT CHECK ("pool_assignee_id" >= 0),
    "creator_id" BIGINT CHECK ("creator_id" >= 0),
    "created_time" TIMESTAMPTZ(3) NOT NULL,
    "instance_info" JSONB NOT NULL CHECK (jsonb_typeof("instance_info") = 'object'),
    "instance_num" INTEGER NOT NULL CHECK ("instance_num" >= 0),
    "instance_sum" INTEGER NOT NULL CHECK ("instance_sum" >= 0),
    "attributes_num" INTEGER NOT NULL CHECK ("attributes_num" >= 0),
    "attributes_sum" INTEGER NOT NULL CHECK ("attributes_sum" >= 0),
    "frame_count" INTEGER NOT NULL CHECK ("frame_count" >= 0),

    CONSTRAINT "annotation_history_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "campaign_project_id_key" ON "campaign"("project_id");
CREATE UNIQUE INDEX "campaign_name_key" ON "campaign"("name");

CREATE UNIQUE INDEX "annotation_request_name_key" ON "annotation_request"("name");
CREATE INDEX "annotation_request_campaign_id_id_idx" ON "annotation_request"("campaign_id", "id");
CREATE UNIQUE INDEX "annotation_request_id_campaign_id_key" ON "annotation_request"("id", "campaign_id");

CREATE INDEX "pool_campaign_id_id_idx" ON "pool"("campaign_id", "id");
CREATE UNIQUE INDEX "pool_id_campaign_id_key" ON "pool"("id", "campaign_id");

CREATE INDEX "task_annotation_request_id_id_idx" ON "task"("annotation_request_id", "id");
CREATE INDEX "task_campaign_id_id_idx" ON "task"("campaign_id", "id");
CREATE INDEX "task_pool_id_id_idx" ON "task"("pool_id", "id");
CREATE UNIQUE INDEX "task_annotation_request_id_scene_id_key" ON "task"("annotation_request_id", "scene_id");
CREATE UNIQUE INDEX "task_id_annotation_request_id_campaign_id_key" ON "task"("id", "annotation_request_id", "campaign_id");

CREATE INDEX "annotation_history_annotation_request_id_id_idx" ON "annotation_history"("annotation_request_id", "id");
CREATE INDEX "annotation_history_task_id_id_idx" ON "annotation_history"("task_id", "id");

ALTER TABLE "annotation_request" ADD CONSTRAINT "annotation_request_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "campaign"("id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "pool" ADD CONSTRAINT "pool_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "campaign"("id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "task" ADD CONSTRAINT "task_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "campaign"("id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "task" ADD CONSTRAINT "task_annotation_request_id_campaign_id_fkey" FOREIGN KEY ("annotation_request_id", "campaign_id") REFERENCES "annotation_request"("id", "campaign_id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "task" ADD CONSTRAINT "task_pool_id_campaign_id_fkey" FOREIGN KEY ("pool_id", "campaign_id") REFERENCES "pool"("id", "campaign_id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "annotation_history" ADD CONSTRAINT "annotation_history_task_id_annotation_request_id_campaign__fkey" FOREIGN KEY ("task_id", "annotation_request_id", "campaign_id") REFERENCES "task"("id", "annotation_request_id", "campaign_id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "annotation_history" ADD CONSTRAINT "annotation_history_annotation_request_id_fkey" FOREIGN KEY ("annotation_request_id") REFERENCES "annotation_request"("id") ON DELETE RESTRICT ON UPDATE NO ACTION;
ALTER TABLE "annotation_history" ADD CONSTRAINT "annotation_history_pool_id_campaign_id_fkey" FOREIGN KEY ("pool_id", "campaign_id") REFERENCES "pool"("id", "campaign_id") ON DELETE RESTRICT ON UPDATE NO ACTION;

-- Pay is settled by the history, so that not even a program beside the gateway may rewrite it.
CREATE FUNCTION "annotation_history_is_append_only"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'annotation_history is append-only: record % cannot be changed', OLD."id" USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER "annotation_history_append_only" BEFORE UPDATE ON "annotation_history"
    FOR EACH ROW EXECUTE FUNCTION "annotation_history_is_append_only"();
