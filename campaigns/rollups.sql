-- Who does which task of the rollups, and what is known about them.

-- take_task(task, holder, now, lease_until) --
-- One process at a time does a task. Two at once would do no harm, only work: so a lease is enough, and it means the same
-- on a distributed engine, where an advisory lock is one server's own.
UPDATE rollup_tasks
SET holder = $2, lease_until = $4
WHERE task = $1 AND (holder = $2 OR holder IS NULL OR lease_until <= $3)
RETURNING task;

-- leave_tasks(holder) --
UPDATE rollup_tasks SET holder = NULL, lease_until = NULL WHERE holder = $1;

-- lock_repair() --
-- Two repairs at once would add the same difference twice.
SELECT FROM rollup_tasks WHERE task = 'repair' FOR UPDATE;

-- count_outbox() --
SELECT count(*) FROM outbox;
