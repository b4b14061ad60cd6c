-- What is counted by operation key can be added up: every value is a whole number from 0 to 2^31-1, as every other count is.

ALTER TABLE "task" ADD CONSTRAINT "task_instance_info_counts" CHECK (NOT jsonb_path_exists("instance_info",
    'strict $.* ? (@.type() != "number" || @ < 0 || @ > 2147483647 || @.floor() != @)'));
ALTER TABLE "annotation_history" ADD CONSTRAINT "annotation_history_instance_info_counts" CHECK (NOT jsonb_path_exists("instance_info",
    'strict $.* ? (@.type() != "number" || @ < 0 || @ > 2147483647 || @.floor() != @)'));
