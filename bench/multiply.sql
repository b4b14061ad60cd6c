-- TIMES times as many campaigns, each a copy of one that is there, with ids of its own, and some days later: nowhere do a hundred
-- records have the same time.
SET session_replication_role = replica;
SET maintenance_work_mem = '512MB';

CREATE FUNCTION pg_temp.copy_of(id text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5(id || ' ' || n::text)::uuid::text $$;
CREATE FUNCTION pg_temp.copy_of(id bigint, n int) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  -- Simulated ids are snowflakes of one half-year: n half-years later none of them is taken.
  $$ SELECT id + n * 70000000000000000 $$;
CREATE FUNCTION pg_temp.copy_of(at timestamptz, n int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
  $$ SELECT at + n * interval '24 hours' $$;

CREATE TEMP TABLE original_campaign AS TABLE campaign;
CREATE TEMP TABLE original_pool AS TABLE pool;
CREATE TEMP TABLE original_request AS TABLE annotation_request;
CREATE TEMP TABLE original_task AS TABLE task;
CREATE TEMP TABLE original_record AS TABLE annotation_history;

-- An index that is made of all rows at once takes a fraction of the time. Those that are unique stay: foreign keys need them.
CREATE TEMP TABLE dropped_index AS
  SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
  WHERE indrelid IN ('task'::regclass, 'annotation_history'::regclass) AND NOT indisunique;
DO $$
DECLARE
  dropped record;
BEGIN
  FOR dropped IN SELECT name::text FROM dropped_index LOOP
    EXECUTE format('DROP INDEX %s', dropped.name);
  END LOOP;
END;
$$;

-- Copy after copy, so that the rows of a campaign stand as near each other as those of the original.
DO $$
BEGIN
  FOR n IN 1 .. TIMES - 1 LOOP
    INSERT INTO campaign (id, project_id, name, campaign_type, workflow_type, folder_name, taxonomy_version_name)
      SELECT pg_temp.copy_of(id, n), project_id + n * 1000000, name || ' copy ' || n, campaign_type, workflow_type, folder_name,
        taxonomy_version_name
      FROM original_campaign;
    INSERT INTO pool (id, campaign_id, name, pool_type)
      SELECT id + n * 1000000000::bigint, pg_temp.copy_of(campaign_id, n), name, pool_type FROM original_pool;
    INSERT INTO annotation_request (id, campaign_id, name, created_at)
      SELECT pg_temp.copy_of(id, n), pg_temp.copy_of(campaign_id, n), name || ' copy ' || n,
        pg_temp.copy_of(created_at, n)
      FROM original_request;
    INSERT INTO task (id, annotation_request_id, campaign_id, pool_id, scene_id, status, instance_info, instance_num, attribute_num,
        frame_num, last_record_id)
      SELECT pg_temp.copy_of(id, n), pg_temp.copy_of(annotation_request_id, n), pg_temp.copy_of(campaign_id, n),
        pool_id + n * 1000000000::bigint, scene_id, status, instance_info, instance_num, attribute_num, frame_num,
        pg_temp.copy_of(last_record_id, n)
      FROM original_task;
    INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type, team_id,
        pool_assignee_id, creator_id, created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
      SELECT pg_temp.copy_of(id, n), pg_temp.copy_of(task_id, n), pg_temp.copy_of(annotation_request_id, n),
        pg_temp.copy_of(campaign_id, n), pool_id + n * 1000000000::bigint, status, action_type, team_id, pool_assignee_id, creator_id,
        pg_temp.copy_of(created_time, n), instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count
      FROM original_record;
  END LOOP;
END;
$$;

DO $$
DECLARE
  dropped record;
BEGIN
  FOR dropped IN SELECT definition FROM dropped_index LOOP
    EXECUTE dropped.definition;
  END LOOP;
END;
$$;

-- What triggers would have noted.
INSERT INTO workload_stale (annotation_request_id, campaign_id, since) SELECT id, campaign_id, '-infinity' FROM annotation_request;

RESET session_replication_role;
