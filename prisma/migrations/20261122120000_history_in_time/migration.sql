-- Measures follow a task, an operator, a campaign or a pool through the history in the order of time, which is not that
-- of the ids.

CREATE INDEX "annotation_history_task_id_created_time_id_idx" ON "annotation_history"("task_id", "created_time", "id");
CREATE INDEX "annotation_history_pool_assignee_id_created_time_id_idx" ON "annotation_history"("pool_assignee_id", "created_time", "id");
CREATE INDEX "annotation_history_campaign_id_created_time_id_idx" ON "annotation_history"("campaign_id", "created_time", "id");
CREATE INDEX "annotation_history_pool_id_task_id_idx" ON "annotation_history"("pool_id", "task_id");
CREATE INDEX "annotation_history_created_time_id_idx" ON "annotation_history"("created_time", "id");
