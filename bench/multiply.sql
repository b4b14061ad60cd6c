-- TIMES times as many campaigns, each a copy of one that is there, with ids of its own.
SET session_replication_role = replica;

CREATE FUNCTION pg_temp.copy_of(id text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5(id || ' ' || n)::uuid::text $$;
CREATE FUNCTION pg_temp.copy_of(id bigint, n int) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  -- Simulated ids are snowflakes of one half-year: n half-years later none of them is taken.
  $$ SELECT id + n * 70000000000000000 $$;

INSERT INTO campaign (id, project_id, name, campaign_type, workflow_type, folder_name, taxonomy_version_name)
  SELECT pg_temp.copy_of(id, n), project_id + n * 1000000, name || ' copy ' || n, campaign_type, workflow_type, folder_name, taxonomy_version_name
  FROM campaign, generate_series(1, TIMES - 1) AS n;
INSERT INTO pool (id, campaign_id, name, pool_type)
  SELECT id + n * 1000000000::bigint, pg_temp.copy_of(campaign_id, n), name, pool_type
  FROM pool, generate_series(1, TIMES - 1) AS n;
INSERT INTO annotation_request (id, campaign_id, name, created_at)
  SELECT pg_temp.copy_of(id, n), pg_temp.copy_of(campaign_id, n), name || ' copy ' || n, created_at
  FROM annotation_request, generate_series(1, TIMES - 1) AS n;
INSERT INTO task (id, annotation_request_id, campaign_id, pool_id, scene_id, status, instance_info, instance_num, attribute_num, frame_num, last_record_id)
  SELECT pg_temp.copy_of(id, n), pg_temp.copy_of(annotation_request_id, n), pg_temp.copy_of(campaign_id, n), pool_id + n * 1000000000::bigint,
    scene_id, status, instance_info, instance_num, attribute_num, frame_num, pg_temp.copy_of(last_record_id, n)
  FROM task, generate_series(1, TIMES - 1) AS n;
INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type, team_id, pool_assignee_id,
    creator_id, created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
  SELECT pg_temp.copy_of(id, n), pg_temp.copy_of(task_id, n), pg_temp.copy_of(annotation_request_id, n), pg_temp.copy_of(campaign_id, n),
    pool_id + n * 1000000000::bigint, status, action_type, team_id, pool_assignee_id, creator_id, created_time, instance_info, instance_num,
    instance_sum, attributes_num, attributes_sum, frame_count
  FROM annotation_history, generate_series(1, TIMES - 1) AS n;

-- What triggers would have noted.
INSERT INTO workload_stale (annotation_request_id, campaign_id, since) SELECT id, campaign_id, '-infinity' FROM annotation_request;

RESET session_replication_role;
