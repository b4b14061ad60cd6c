-- Tells who listens that something has changed: the number of the transaction, once a transaction, when it is committed.
-- What it changed is to be read; a row has no place in a notification, and a million of them none in the queue.
CREATE FUNCTION "notify_change"() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('rosetta_changed', pg_current_xact_id()::text);
    RETURN NULL;
END;
$$;
CREATE TRIGGER "task_notify" AFTER INSERT OR UPDATE OR DELETE ON "task" FOR EACH STATEMENT EXECUTE FUNCTION "notify_change"();
CREATE TRIGGER "annotation_history_notify" AFTER INSERT ON "annotation_history" FOR EACH STATEMENT EXECUTE FUNCTION "notify_change"();
