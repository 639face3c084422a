-- migrate:up

-- What the classifier heard of an answer (dialer/media/answer). All null where nobody listened.
ALTER TABLE attempts
    -- a constant word: short_greeting, beep, sit_vacant, busy, ced, overload ...; of early media where nobody answered
    ADD COLUMN answered_by_cause text,
    -- after the answer
    ADD COLUMN speech_started_ms integer,
    -- the law's two seconds start here
    ADD COLUMN greeting_ended_time timestamptz,
    ADD COLUMN verdict_time timestamptz;

-- What to do when a machine answers; `ignore` does not listen and treats everyone as a person.
ALTER TABLE campaigns
    ADD COLUMN answering_machine text NOT NULL DEFAULT 'ignore'
        CHECK (answering_machine IN ('ignore', 'hang_up', 'leave_message'));

-- migrate:down

ALTER TABLE campaigns DROP COLUMN answering_machine;

ALTER TABLE attempts
    DROP COLUMN answered_by_cause,
    DROP COLUMN speech_started_ms,
    DROP COLUMN greeting_ended_time,
    DROP COLUMN verdict_time;
