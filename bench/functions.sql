-- What PostGraphile shows where no table does: the numbers of a request, and the workload of a campaign. The floor asks for
-- the same workload.

DROP TYPE IF EXISTS status_count, task_progress, delivery_counts, task_delivery, workload_row CASCADE;

CREATE TYPE status_count AS (status_code int, count int);
CREATE TYPE task_progress AS (total int, completed int, percent float8, by_status status_count[]);
CREATE TYPE delivery_counts AS (tasks int, instances bigint, attributes bigint, frames bigint);
CREATE TYPE task_delivery AS ("all" delivery_counts, completed delivery_counts);

CREATE FUNCTION annotation_request_progress(request annotation_request) RETURNS task_progress
LANGUAGE sql STABLE AS $$
  SELECT ROW(
      coalesce(sum(n), 0)::int,
      coalesce(sum(n) FILTER (WHERE status = 11), 0)::int,
      100 * coalesce(sum(n) FILTER (WHERE status = 11), 0)::float8 / nullif(sum(n) FILTER (WHERE status <> 0), 0)::float8,
      coalesce(array_agg(ROW(status, n)::status_count ORDER BY status), '{}')
    )::task_progress
  FROM (SELECT status, count(*)::int AS n FROM task WHERE annotation_request_id = request.id GROUP BY status) AS counts
$$;

CREATE FUNCTION annotation_request_delivery(request annotation_request) RETURNS task_delivery
LANGUAGE sql STABLE AS $$
  SELECT ROW(
      ROW(count(*)::int, coalesce(sum(instance_num), 0), coalesce(sum(attribute_num), 0), coalesce(sum(frame_num), 0))::delivery_counts,
      ROW(count(*) FILTER (WHERE status = 11)::int, coalesce(sum(instance_num) FILTER (WHERE status = 11), 0),
        coalesce(sum(attribute_num) FILTER (WHERE status = 11), 0), coalesce(sum(frame_num) FILTER (WHERE status = 11), 0))::delivery_counts
    )::task_delivery
  FROM task WHERE annotation_request_id = request.id
$$;

CREATE TYPE workload_row AS (
  pool_assignee_id bigint, day date, record_count int, task_count int, submissions int, checks int, rejections_given int,
  returns_given int, rejections_received int, returns_received int, instances bigint, attributes bigint, frames bigint
);

CREATE FUNCTION campaign_workload(campaign campaign, time_zone text) RETURNS SETOF workload_row
LANGUAGE sql STABLE ROWS 1000 AS $$
  WITH records AS (
    SELECT pool_assignee_id, (created_time AT TIME ZONE time_zone)::date AS day, task_id, action_type, created_time, id,
      instance_num, attributes_num, frame_count, false AS received
    FROM annotation_history WHERE campaign_id = campaign.id
    UNION ALL
    SELECT submission.pool_assignee_id, (sent_back.created_time AT TIME ZONE time_zone)::date, sent_back.task_id,
      sent_back.action_type, sent_back.created_time, sent_back.id, 0, 0, 0, true
    FROM annotation_history AS sent_back CROSS JOIN LATERAL (
      SELECT earlier.pool_assignee_id FROM annotation_history AS earlier
      WHERE earlier.task_id = sent_back.task_id AND earlier.action_type = 7
        AND (earlier.created_time, earlier.id) < (sent_back.created_time, sent_back.id)
      ORDER BY earlier.created_time DESC, earlier.id DESC LIMIT 1) AS submission
    WHERE sent_back.campaign_id = campaign.id AND sent_back.action_type IN (10, 17)
  ),
  -- By task first: then nothing has to be counted apart from its repetitions.
  tasks AS (
    SELECT pool_assignee_id, day, task_id,
      count(*) FILTER (WHERE NOT received) AS own,
      count(*) FILTER (WHERE action_type = 7 AND NOT received) AS submissions,
      count(*) FILTER (WHERE action_type = 8 AND NOT received) AS checks,
      count(*) FILTER (WHERE action_type = 10 AND NOT received) AS rejections_given,
      count(*) FILTER (WHERE action_type = 17 AND NOT received) AS returns_given,
      count(*) FILTER (WHERE action_type = 10 AND received) AS rejections_received,
      count(*) FILTER (WHERE action_type = 17 AND received) AS returns_received,
      sum(instance_num) AS instances, sum(attributes_num) AS attributes,
      (array_agg(frame_count ORDER BY created_time DESC, id DESC) FILTER (WHERE NOT received))[1] AS frames
    FROM records GROUP BY pool_assignee_id, day, task_id
  )
  SELECT pool_assignee_id, day, sum(own)::int, count(*) FILTER (WHERE own > 0)::int, sum(submissions)::int, sum(checks)::int,
    sum(rejections_given)::int, sum(returns_given)::int, sum(rejections_received)::int, sum(returns_received)::int,
    sum(instances)::bigint, sum(attributes)::bigint, coalesce(sum(frames), 0)::bigint
  FROM tasks GROUP BY pool_assignee_id, day ORDER BY pool_assignee_id, day
$$;

-- A unique index is no constraint, which alone it would look a task up by.
COMMENT ON TABLE task IS '@unique annotation_request_id,scene_id';
