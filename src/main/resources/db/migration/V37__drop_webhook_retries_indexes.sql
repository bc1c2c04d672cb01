-- No statement uses them: workers keep the retries that are due, and their order, in memory.
-- A concurrent drop may wait for older transactions longer than lock_timeout. It blocks no reader and no writer meanwhile.
set lock_timeout = 0;

drop index concurrently if exists webhook_retries_due_idx;
drop index concurrently if exists webhook_retries_subject_idx;

reset lock_timeout;
