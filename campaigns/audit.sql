-- Fixed statements of campaigns/audit.py.

-- add_audit(now, actor, action, subject_kind, subject_id, old, new) --
INSERT INTO audit_log (time, actor, action, subject_kind, subject_id, old, new)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- list_audit(before_id, limit) --
SELECT audit_id, time, actor, action, subject_kind, subject_id, old, new
FROM audit_log
WHERE audit_id < $1
ORDER BY audit_id DESC
LIMIT $2;
