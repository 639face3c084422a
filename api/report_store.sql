-- Saved reports, their schedules and deliveries.

-- insert_report(name, owner, query, now) --
INSERT INTO saved_reports (name, owner, query, created_time, changed_time)
VALUES ($1, $2, $3, $4, $4)
RETURNING *;

-- list_reports(after_id, limit) --
SELECT * FROM saved_reports WHERE report_id > $1 ORDER BY report_id LIMIT $2;

-- find_report(report_id) --
SELECT * FROM saved_reports WHERE report_id = $1;

-- replace_report(report_id, name, query, now) --
UPDATE saved_reports SET name = $2, query = $3, changed_time = $4 WHERE report_id = $1 RETURNING *;

-- delete_report(report_id) --
DELETE FROM saved_reports WHERE report_id = $1 RETURNING report_id;

-- insert_schedule(report_id, every, weekday, month_day, minute, time_zone, language, format, recipients, webhook_url, webhook_secret, now, next_time) --
INSERT INTO report_schedules (
    report_id, every, weekday, month_day, minute, time_zone, language, format, recipients, webhook_url, webhook_secret,
    is_active, created_time, next_time
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true, $12, $13)
RETURNING *;

-- list_schedules(report_id) --
SELECT * FROM report_schedules WHERE report_id = $1 ORDER BY schedule_id;

-- find_schedule(schedule_id) --
SELECT * FROM report_schedules WHERE schedule_id = $1;

-- delete_schedule(schedule_id) --
DELETE FROM report_schedules WHERE schedule_id = $1 RETURNING schedule_id;

-- end_schedule(schedule_id) --
UPDATE report_schedules SET is_active = false WHERE schedule_id = $1;

-- list_deliveries(schedule_id, before_time, limit) --
SELECT * FROM report_deliveries
WHERE schedule_id = $1 AND due_time < coalesce($2::timestamptz, 'infinity')
ORDER BY due_time DESC LIMIT $3;

-- list_all_schedules() --
SELECT * FROM report_schedules ORDER BY schedule_id;

-- last_deliveries() --
-- The newest of each schedule.
SELECT newest.*
FROM report_schedules
CROSS JOIN LATERAL (
    SELECT * FROM report_deliveries
    WHERE report_deliveries.schedule_id = report_schedules.schedule_id
    ORDER BY due_time DESC LIMIT 1
) AS newest;

-- deliveries_of_report(report_id, limit) --
SELECT report_deliveries.*
FROM report_schedules
JOIN report_deliveries USING (schedule_id)
WHERE report_id = $1
ORDER BY due_time DESC, schedule_id LIMIT $2;

-- begin_now(schedule_id, now) --
-- Asked for twice in one second it is sent once.
INSERT INTO report_deliveries (schedule_id, due_time, status, tries, next_try_time)
SELECT schedule_id, date_trunc('second', $2::timestamptz), 'waiting', 0, $2 FROM report_schedules
WHERE schedule_id = $1 AND is_active
ON CONFLICT (schedule_id, due_time) DO UPDATE SET due_time = excluded.due_time
RETURNING *;

-- due_schedules(now) --
SELECT * FROM report_schedules WHERE is_active AND next_time <= $1 ORDER BY next_time LIMIT 100;

-- begin_delivery(schedule_id, due_time, following_time, now) --
-- Of all processes that saw it due, the one that moves it on writes the delivery.
WITH moved AS (
    UPDATE report_schedules SET next_time = $3
    WHERE schedule_id = $1 AND next_time = $2 AND is_active
    RETURNING schedule_id
)
INSERT INTO report_deliveries (schedule_id, due_time, status, tries, next_try_time)
SELECT schedule_id, $2, 'waiting', 0, $4 FROM moved
ON CONFLICT DO NOTHING
RETURNING schedule_id;

-- take_delivery(holder, now, lease_until) --
UPDATE report_deliveries
SET holder = $1, lease_until = $3, tries = tries + 1
WHERE (schedule_id, due_time) = (
    SELECT schedule_id, due_time FROM report_deliveries
    WHERE status = 'waiting' AND next_try_time <= $2 AND (lease_until IS NULL OR lease_until <= $2)
    ORDER BY next_try_time LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING *;

-- end_delivery(schedule_id, due_time, holder, status, next_try_time, error_code, error, sent_time) --
UPDATE report_deliveries
SET status = $4, next_try_time = $5, error_code = $6, last_error = $7, sent_time = $8, holder = NULL, lease_until = NULL
WHERE schedule_id = $1 AND due_time = $2 AND holder = $3;
