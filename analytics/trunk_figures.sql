-- trunk_figures(from_time) --
-- The settled attempts of each trunk since then, what was answered, and what the trunk itself failed.
SELECT
    trunk_id,
    count(*) AS settled_attempts,
    count(*) FILTER (WHERE result = 'answered') AS answered_attempts,
    count(*) FILTER (WHERE fault = 'trunk') AS failed_by_trunk
FROM attempts
WHERE started_time >= $1::timestamptz AND settled_time IS NOT NULL
GROUP BY trunk_id
