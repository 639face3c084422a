-- The schema after all migrations, as pg_dump 18 says it. Made by `python -m tests.postgres.schema_dump`; a test compares.

CREATE SCHEMA public;

CREATE FUNCTION public.callback_days(shard_keys integer[], from_day date, to_day date) RETURNS TABLE(shard_key integer, day date, requests integer, attempts integer, changes integer, done integer)
    LANGUAGE sql STABLE
    AS $$
WITH live AS MATERIALIZED (
    SELECT
        t.shard_key, t.bucket_time, sum(t.callbacks)::integer AS requests, sum(t.attempts)::integer AS attempts,
        sum(t.changes)::integer AS changes
    FROM stats_live AS t
    WHERE t.shard_key = ANY (shard_keys) AND t.dim = 1
      AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
      AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC' + interval '2 days', 'infinity')
    GROUP BY 1, 2
)
SELECT
    d.shard_key, d.day, d.requests, d.attempts, d.changes,
    CASE WHEN n.attempts = d.attempts AND n.changes = d.changes THEN n.done END
FROM (
    SELECT
        w.shard_key, (w.bucket_time AT TIME ZONE 'UTC')::date AS day, w.requests,
        w.attempts
        + CASE WHEN lead(w.bucket_time) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.attempts) OVER ahead ELSE 0 END
        + CASE WHEN lead(w.bucket_time, 2) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.attempts, 2) OVER ahead ELSE 0 END
            AS attempts,
        w.changes
        + CASE WHEN lead(w.bucket_time) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.changes) OVER ahead ELSE 0 END
        + CASE WHEN lead(w.bucket_time, 2) OVER ahead <= w.bucket_time + interval '48 hours' THEN lead(w.changes, 2) OVER ahead ELSE 0 END
            AS changes
    FROM (
        SELECT
            shard_key, bucket_time, coalesce(s.callbacks, 0) + coalesce(l.requests, 0) AS requests,
            coalesce(s.attempts, 0) + coalesce(l.attempts, 0) AS attempts, coalesce(s.changes, 0) + coalesce(l.changes, 0) AS changes
        FROM (
            SELECT * FROM stats AS t
            WHERE t.shard_key = ANY (shard_keys) AND t.dim = 1
              AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
              AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC' + interval '2 days', 'infinity')
        ) AS s
        FULL JOIN live AS l USING (shard_key, bucket_time)
    ) AS w
    WINDOW ahead AS (PARTITION BY w.shard_key ORDER BY w.bucket_time)
) AS d
FULL JOIN (
    SELECT * FROM callback_seals AS c
    WHERE c.shard_key = ANY (shard_keys)
      AND c.day >= coalesce(from_day, '-infinity'::date) AND c.day < coalesce(to_day, 'infinity'::date)
) AS n ON n.shard_key = d.shard_key AND n.day = d.day
WHERE coalesce(d.requests, 0) <> 0 AND coalesce(d.day < to_day, d.day IS NOT NULL)
$$;

CREATE FUNCTION public.callbacks_of_days(shard_keys integer[], days date[], at_time timestamp with time zone) RETURNS TABLE(shard_key integer, day date, done integer, due integer)
    LANGUAGE sql STABLE
    AS $$
SELECT
    s.shard_key, a.day,
    count(*) FILTER (WHERE a.is_done)::integer,
    count(*) FILTER (WHERE NOT a.is_done AND a.started_time + interval '24 hours' > at_time)::integer
FROM unnest(shard_keys) AS s (shard_key)
CROSS JOIN LATERAL (
    SELECT
        started_time,
        ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date AS day,
        EXISTS (
            SELECT FROM attempts AS later
            WHERE later.shard_key = attempts.shard_key AND later.contact_id = attempts.contact_id AND later.result = 'answered'
              AND later.started_time > attempts.started_time
              AND later.started_time <= attempts.started_time + interval '24 hours'
        ) AS is_done
    FROM attempts
    WHERE attempts.shard_key = s.shard_key AND disposition = 'callback_requested'
      AND started_time >= (SELECT min(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
      AND started_time < (SELECT max(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
      AND ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date = ANY (days)
    OFFSET 0
) AS a
GROUP BY 1, 2
$$;

CREATE TABLE public.outbox (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    change_number smallint NOT NULL,
    sign smallint NOT NULL,
    started_time timestamp with time zone NOT NULL,
    utc_offset_minutes smallint NOT NULL,
    is_settled boolean NOT NULL,
    attempt_number smallint NOT NULL,
    trunk_id integer NOT NULL,
    caller_id text NOT NULL,
    import_id bigint,
    source text,
    ad text,
    keyword text,
    region text,
    result text,
    fault text,
    sip_status smallint,
    q850_cause smallint,
    answered_by text,
    disposition text,
    pdd_ms integer,
    talk_ms integer,
    is_target boolean,
    cost_micros bigint,
    is_failover boolean NOT NULL,
    verdict_delay interval,
    audit_share double precision,
    audit_state text,
    media_packets_expected integer,
    media_packets_lost integer,
    media_jitter_ms real,
    media_is_one_way boolean,
    media_mos_hundredths smallint,
    CONSTRAINT outbox_sign_check CHECK ((sign = ANY (ARRAY['-1'::integer, 1])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

CREATE FUNCTION public.fact_stats(f public.outbox) RETURNS TABLE(dim smallint, bucket_time timestamp with time zone, value text, attempts integer, settled integer, answered integer, network_effective integer, invalid_numbers integer, abandoned integer, trunk_faults integer, persons integer, machines integer, orders integer, meetings integer, offers integer, callbacks integer, refusals integer, voicemails_left integer, target_calls integer, short_calls integer, new_numbers integer, talk_count integer, talk_ms_sum bigint, pdd_count integer, pdd_ms_sum bigint, cost_count integer, cost_micros_sum bigint, changes integer, judged integer, talks integer, successful_talks integer, talk_ms_squares numeric, machine_successes integer, unsuccessful integer, unsuccessful_machines integer, undecided integer, undecided_machines integer, timed_verdicts integer, nobody_verdicts integer, audits_drawn integer, audits_waiting integer, audits_unheard integer, audited_verdicts integer, audited_persons integer, represented_verdicts bigint, represented_persons bigint, represented_squares numeric, heard_calls integer, packets_expected bigint, packets_lost bigint, jittered_calls integer, jitter_us_sum bigint, direction_checked_calls integer, one_way_calls integer, mos_calls integer, mos_hundredths_sum bigint, low_mos_calls integer)
    LANGUAGE sql STABLE
    AS $$
SELECT
    d.dim,
    CASE d.dim WHEN 0 THEN c.quarter ELSE c.day END,
    coalesce(CASE d.dim
        WHEN 2 THEN to_char(c.local_time, 'HH24')
        WHEN 3 THEN f.trunk_id::text
        WHEN 4 THEN f.caller_id
        WHEN 5 THEN f.import_id::text
        WHEN 6 THEN f.source
        WHEN 7 THEN f.ad
        WHEN 8 THEN f.keyword
        WHEN 9 THEN f.region
        WHEN 10 THEN f.result
        WHEN 11 THEN f.sip_status::text
        WHEN 12 THEN f.q850_cause::text
        WHEN 13 THEN f.disposition
        WHEN 14 THEN f.attempt_number::text
        WHEN 15 THEN f.answered_by
        WHEN 16 THEN (f.talk_ms / 1000)::text
        WHEN 17 THEN (f.pdd_ms / 100 * 100)::text
        WHEN 18 THEN f.answered_by || ':' || verdict_step_ms(f.verdict_delay)
        WHEN 19 THEN f.trunk_id || ':' || jitter_step_ms(f.media_jitter_ms)
        WHEN 20 THEN coalesce(f.import_id::text, '') || ':' || f.attempt_number
    END, ''),
    c.attempts, c.settled, c.answered, c.network_effective, c.invalid_numbers, c.abandoned, c.trunk_faults,
    c.persons, c.machines, c.orders, c.meetings, c.offers, c.callbacks, c.refusals, c.voicemails_left,
    c.target_calls, c.short_calls, c.new_numbers, c.talk_count, c.talk_ms_sum, c.pdd_count, c.pdd_ms_sum,
    c.cost_count, c.cost_micros_sum, c.changes, c.judged, c.talks, c.successful_talks, c.talk_ms_squares,
    c.machine_successes, c.unsuccessful, c.unsuccessful_machines, c.undecided, c.undecided_machines,
    c.timed_verdicts, c.nobody_verdicts, c.audits_drawn, c.audits_waiting, c.audits_unheard, c.audited_verdicts, c.audited_persons,
    c.represented_verdicts, c.represented_persons, c.represented_squares, c.heard_calls, c.packets_expected,
    c.packets_lost, c.jittered_calls, c.jitter_us_sum, c.direction_checked_calls, c.one_way_calls,
    c.mos_calls, c.mos_hundredths_sum, c.low_mos_calls
FROM (
    SELECT
        date_bin('15 minutes', f.started_time, '2000-01-01 00:00:00+00') AS quarter,
        local_time, date_trunc('day', local_time) AT TIME ZONE 'UTC' AS day,
        f.sign::integer AS attempts,
        f.sign * f.is_settled::integer AS settled,
        f.sign * coalesce(f.result = 'answered', false)::integer AS answered,
        f.sign * coalesce(
            f.result IN ('answered', 'busy', 'no_answer') OR (f.result = 'rejected' AND f.fault = 'callee'), false
        )::integer AS network_effective,
        f.sign * coalesce(f.result = 'invalid_number', false)::integer AS invalid_numbers,
        f.sign * coalesce(f.result = 'abandoned', false)::integer AS abandoned,
        f.sign * coalesce(f.fault = 'trunk', false)::integer AS trunk_faults,
        f.sign * is_person::integer AS persons,
        f.sign * is_machine::integer AS machines,
        f.sign * coalesce(f.disposition = 'order', false)::integer AS orders,
        f.sign * coalesce(f.disposition = 'meeting', false)::integer AS meetings,
        f.sign * coalesce(f.disposition = 'offer_requested', false)::integer AS offers,
        f.sign * coalesce(f.disposition = 'callback_requested', false)::integer AS callbacks,
        f.sign * coalesce(f.disposition = 'refused', false)::integer AS refusals,
        f.sign * coalesce(f.disposition = 'voicemail_left', false)::integer AS voicemails_left,
        f.sign * coalesce(f.is_target, false)::integer AS target_calls,
        f.sign * coalesce(f.result = 'answered' AND f.talk_ms < 6000, false)::integer AS short_calls,
        f.sign * (f.attempt_number = 1 AND NOT f.is_failover)::integer AS new_numbers,
        f.sign * (f.result = 'answered' AND f.talk_ms IS NOT NULL)::integer AS talk_count,
        CASE WHEN f.result = 'answered' THEN f.sign * coalesce(f.talk_ms, 0) ELSE 0 END::bigint AS talk_ms_sum,
        f.sign * (f.pdd_ms IS NOT NULL)::integer AS pdd_count,
        (f.sign * coalesce(f.pdd_ms, 0))::bigint AS pdd_ms_sum,
        f.sign * (f.cost_micros IS NOT NULL)::integer AS cost_count,
        f.sign * coalesce(f.cost_micros, 0) AS cost_micros_sum,
        f.is_settled::integer AS changes,
        f.sign * (is_answered AND f.answered_by IS NOT NULL)::integer AS judged,
        f.sign * (is_person AND (coalesce(f.talk_ms, 0) >= 6000 OR f.disposition IS NOT NULL))::integer AS talks,
        f.sign * (is_person AND is_success)::integer AS successful_talks,
        CASE WHEN is_answered THEN f.sign * coalesce(f.talk_ms::numeric * f.talk_ms, 0) ELSE 0 END AS talk_ms_squares,
        f.sign * (is_machine AND is_success)::integer AS machine_successes,
        f.sign * (is_answered AND NOT is_success AND NOT coalesce(f.is_target, false))::integer AS unsuccessful,
        f.sign * (is_machine AND NOT is_success AND NOT coalesce(f.is_target, false))::integer AS unsuccessful_machines,
        f.sign * (is_answered AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided,
        f.sign * (is_machine AND NOT is_success AND coalesce(f.is_target, false))::integer AS undecided_machines,
        CASE WHEN is_answered AND f.answered_by IS NOT NULL AND f.verdict_delay IS NOT NULL THEN f.sign END AS timed_verdicts,
        CASE WHEN is_answered AND f.answered_by IN ('machine', 'screening', 'fax', 'tone', 'music') THEN f.sign END
            AS nobody_verdicts,
        CASE WHEN f.audit_share IS NOT NULL THEN f.sign END AS audits_drawn,
        CASE WHEN f.audit_share IS NOT NULL AND f.audit_state IS NULL THEN f.sign END AS audits_waiting,
        CASE WHEN f.audit_state = 'unheard' THEN f.sign END AS audits_unheard,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign END AS audited_verdicts,
        CASE WHEN f.audit_state = 'human' THEN f.sign END AS audited_persons,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign * audit_weight END AS represented_verdicts,
        CASE WHEN f.audit_state = 'human' THEN f.sign * audit_weight END AS represented_persons,
        CASE WHEN f.audit_state IN ('human', 'machine') THEN f.sign * audit_weight::numeric * audit_weight END
            AS represented_squares,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign END AS heard_calls,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign * f.media_packets_expected::bigint END AS packets_expected,
        CASE WHEN f.media_packets_expected > 0 THEN f.sign * greatest(f.media_packets_lost, 0)::bigint END AS packets_lost,
        CASE WHEN f.media_jitter_ms IS NOT NULL THEN f.sign END AS jittered_calls,
        f.sign * round(f.media_jitter_ms * 1000)::bigint AS jitter_us_sum,
        CASE WHEN f.media_is_one_way IS NOT NULL THEN f.sign END AS direction_checked_calls,
        CASE WHEN f.media_is_one_way THEN f.sign END AS one_way_calls,
        CASE WHEN f.media_mos_hundredths IS NOT NULL THEN f.sign END AS mos_calls,
        (f.sign * f.media_mos_hundredths)::bigint AS mos_hundredths_sum,
        CASE WHEN f.media_mos_hundredths < 360 THEN f.sign END AS low_mos_calls
    FROM (
        SELECT
            (f.started_time AT TIME ZONE 'UTC') + f.utc_offset_minutes * interval '1 minute' AS local_time,
            coalesce(f.result = 'answered', false) AS is_answered,
            coalesce(f.result = 'answered' AND coalesce(f.answered_by, 'human') IN ('human', 'unsure'), false)
                AS is_person,
            coalesce(f.result = 'answered' AND f.answered_by = 'machine', false) AS is_machine,
            coalesce(f.disposition IN ('order', 'meeting', 'offer_requested'), false) AS is_success,
            -- in thousandths: how many verdicts a drawn one stands for
            round(1000 / nullif(f.audit_share, 0))::bigint AS audit_weight
    ) AS heard
    OFFSET 0
) AS c
CROSS JOIN stats_dimensions d
WHERE d.is_filled
  AND CASE d.dim
      WHEN 16 THEN f.result = 'answered' AND f.talk_ms IS NOT NULL
      WHEN 17 THEN f.pdd_ms IS NOT NULL
      WHEN 18 THEN f.result = 'answered' AND f.answered_by IS NOT NULL AND f.verdict_delay IS NOT NULL
      WHEN 19 THEN f.media_jitter_ms IS NOT NULL
      ELSE true
  END
$$;

CREATE FUNCTION public.fold_case(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$SELECT lower(t COLLATE pg_c_utf8)$$;

CREATE FUNCTION public.jitter_step_ms(jitter_ms real) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT (ARRAY[0, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000])[least(16, 17 - width_bucket(-jitter_ms::float8,
    ARRAY[-1000, -500, -300, -200, -150, -100, -75, -50, -40, -30, -20, -15, -10, -5, -2, 0]::float8[]))]
$$;

CREATE FUNCTION public.numbers_of_days(of_shard integer, days date[]) RETURNS TABLE(day date, id bigint, number text, source text, ad text, keyword text, settled boolean, answered boolean, person boolean, target boolean, success boolean)
    LANGUAGE sql STABLE
    AS $$
SELECT
    a.day,
    CASE WHEN of_shard = 0 THEN (SELECT n.number_id FROM numbers AS n WHERE n.number = a.number) ELSE a.contact_id END,
    a.number, a.source, a.ad, a.keyword,
    a.settled_time IS NOT NULL,
    coalesce(a.result = 'answered', false),
    coalesce(a.result = 'answered' AND coalesce(a.answered_by, 'human') IN ('human', 'unsure'), false),
    coalesce(a.is_target, false),
    coalesce(a.disposition IN ('order', 'meeting', 'offer_requested'), false)
FROM shards AS s
CROSS JOIN LATERAL (
    SELECT
        ((started_time AT TIME ZONE 'UTC') + utc_offset_minutes * interval '1 minute')::date AS day,
        contact_id, number, source, ad, keyword, settled_time, result, answered_by, is_target, disposition
    FROM attempts
    WHERE attempts.shard_key = s.shard_key
      AND started_time >= (SELECT min(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
      AND started_time < (SELECT max(d) FROM unnest(days) AS d)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
    OFFSET 0
) AS a
WHERE (of_shard = 0 OR s.shard_key = of_shard) AND a.day = ANY (days)
OFFSET 0
$$;

CREATE FUNCTION public.sealed_days(shard_keys integer[], from_day date, to_day date, by_month boolean) RETURNS TABLE(shard_key integer, day date, is_month boolean, attempts integer, changes integer, sealed_time timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
WITH bounds AS MATERIALIZED (
    SELECT
        b.from_time, b.to_time,
        -- the whole months of the range; none = nothing between its ends
        CASE WHEN by_month AND b.first_month < b.after_month THEN b.first_month ELSE b.to_time END AS first_month,
        CASE WHEN by_month AND b.first_month < b.after_month THEN b.after_month ELSE b.to_time END AS after_month
    FROM (
        SELECT
            coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity') AS from_time,
            coalesce(to_day::timestamp AT TIME ZONE 'UTC', 'infinity') AS to_time,
            coalesce(
                date_trunc('month', from_day::timestamp + interval '1 month' - interval '1 day') AT TIME ZONE 'UTC', '-infinity'
            ) AS first_month,
            coalesce(date_trunc('month', to_day::timestamp) AT TIME ZONE 'UTC', 'infinity') AS after_month
    ) AS b
), live AS MATERIALIZED (
    SELECT
        t.shard_key, t.bucket_time, date_trunc('month', t.bucket_time, 'UTC') AS month,
        sum(t.attempts)::integer AS attempts, sum(t.changes)::integer AS changes
    FROM stats_live AS t
    WHERE t.dim = 1 AND t.shard_key = ANY (shard_keys)
      AND t.bucket_time >= coalesce(from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
      AND t.bucket_time < coalesce(to_day::timestamp AT TIME ZONE 'UTC', 'infinity')
    GROUP BY 1, 2
), months AS MATERIALIZED (
    SELECT m.shard_key, m.month, m.attempts, m.changes, n.sealed_time
    FROM (
        SELECT t.shard_key, t.month, sum(t.attempts)::integer AS attempts, sum(t.changes)::integer AS changes
        FROM (
            SELECT s.shard_key, s.bucket_time AS month, s.attempts, s.changes
            FROM bounds AS b
            CROSS JOIN unnest(shard_keys) AS k (shard_key)
            CROSS JOIN LATERAL (
                SELECT * FROM stats
                WHERE stats.shard_key = k.shard_key AND stats.dim = 101
                  AND stats.bucket_time >= b.first_month AND stats.bucket_time < b.after_month
            ) AS s
            UNION ALL
            SELECT l.shard_key, l.month, l.attempts, l.changes
            FROM bounds AS b
            INNER JOIN live AS l ON l.bucket_time >= b.first_month AND l.bucket_time < b.after_month
        ) AS t
        GROUP BY 1, 2
    ) AS m
    LEFT JOIN number_month_seals AS n
        ON n.shard_key = m.shard_key AND n.month = (m.month AT TIME ZONE 'UTC')::date
        AND n.attempts = m.attempts AND n.changes = m.changes
), stretches AS MATERIALIZED (
    SELECT k.shard_key, e.from_time, e.to_time
    FROM unnest(shard_keys) AS k (shard_key)
    CROSS JOIN (
        SELECT b.from_time, b.first_month AS to_time FROM bounds AS b
        UNION ALL
        SELECT b.after_month, b.to_time FROM bounds AS b
    ) AS e
    WHERE e.from_time < e.to_time
    UNION ALL
    SELECT m.shard_key, m.month, (m.month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
    FROM months AS m
    WHERE m.sealed_time IS NULL
)
SELECT m.shard_key, (m.month AT TIME ZONE 'UTC')::date, true, m.attempts, m.changes, m.sealed_time
FROM months AS m
WHERE m.sealed_time IS NOT NULL
UNION ALL
SELECT
    p.shard_key, p.day, false, sum(p.attempts)::integer, sum(p.changes)::integer,
    CASE
        WHEN max(p.sealed_attempts) = sum(p.attempts) AND max(p.sealed_changes) = sum(p.changes) THEN max(p.sealed_time)
    END
FROM (
    SELECT
        s.shard_key, (s.bucket_time AT TIME ZONE 'UTC')::date AS day, s.attempts, s.changes,
        NULL::integer AS sealed_attempts, NULL::integer AS sealed_changes, NULL::timestamptz AS sealed_time
    FROM stretches AS t
    CROSS JOIN LATERAL (
        SELECT * FROM stats
        WHERE stats.shard_key = t.shard_key AND stats.dim = 1
          AND stats.bucket_time >= t.from_time AND stats.bucket_time < t.to_time
    ) AS s
    UNION ALL
    SELECT l.shard_key, (l.bucket_time AT TIME ZONE 'UTC')::date, l.attempts, l.changes, NULL, NULL, NULL
    FROM live AS l
    WHERE EXISTS (
        SELECT FROM stretches AS t
        WHERE t.shard_key = l.shard_key AND l.bucket_time >= t.from_time AND l.bucket_time < t.to_time
    )
    UNION ALL
    SELECT n.shard_key, n.day, 0, 0, n.attempts, n.changes, n.sealed_time
    FROM stretches AS t
    CROSS JOIN LATERAL (
        SELECT * FROM number_seals
        WHERE number_seals.shard_key = t.shard_key
          AND number_seals.day >= (t.from_time AT TIME ZONE 'UTC')::date AND number_seals.day < (t.to_time AT TIME ZONE 'UTC')::date
    ) AS n
) AS p
GROUP BY p.shard_key, p.day
HAVING sum(p.attempts) > 0
$$;

CREATE FUNCTION public.verdict_step_ms(delay interval) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (floor(extract(epoch FROM delay) * 10) * 100)::bigint $$;

CREATE TABLE public.alert_deliveries (
    receiver_id integer NOT NULL,
    alert_id bigint NOT NULL,
    event text NOT NULL,
    status text NOT NULL,
    tries smallint NOT NULL,
    next_try_time timestamp with time zone NOT NULL,
    holder bigint,
    lease_until timestamp with time zone,
    last_error text,
    sent_time timestamp with time zone,
    error_code text,
    CONSTRAINT alert_deliveries_event_check CHECK ((event = ANY (ARRAY['raised'::text, 'resolved'::text]))),
    CONSTRAINT alert_deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'sent'::text, 'failed'::text])))
);

CREATE TABLE public.alert_receivers (
    receiver_id integer NOT NULL,
    rule_id integer,
    language text NOT NULL,
    recipients text[],
    webhook_url text,
    webhook_secret text,
    is_active boolean NOT NULL,
    created_time timestamp with time zone NOT NULL,
    CONSTRAINT alert_receivers_check CHECK (((recipients IS NULL) <> (webhook_url IS NULL))),
    CONSTRAINT alert_receivers_check1 CHECK (((webhook_url IS NULL) = (webhook_secret IS NULL))),
    CONSTRAINT alert_receivers_language_check CHECK ((language = ANY (ARRAY['en'::text, 'ru'::text])))
);

ALTER TABLE public.alert_receivers ALTER COLUMN receiver_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_receivers_receiver_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_rules (
    rule_id integer NOT NULL,
    name text NOT NULL,
    metric text NOT NULL,
    subject_kind text NOT NULL,
    subject_id integer,
    comparison text NOT NULL,
    threshold double precision,
    window_minutes smallint NOT NULL,
    min_count integer NOT NULL,
    is_enabled boolean NOT NULL,
    created_time timestamp with time zone NOT NULL,
    is_own boolean DEFAULT false NOT NULL,
    CONSTRAINT alert_rules_check CHECK (((comparison = 'worse_than_usual'::text) = (threshold IS NULL))),
    CONSTRAINT alert_rules_check1 CHECK (((subject_kind <> 'all'::text) OR (subject_id IS NULL))),
    CONSTRAINT alert_rules_comparison_check CHECK ((comparison = ANY (ARRAY['below'::text, 'above'::text, 'worse_than_usual'::text]))),
    CONSTRAINT alert_rules_min_count_check CHECK ((min_count >= 1)),
    CONSTRAINT alert_rules_subject_kind_check CHECK ((subject_kind = ANY (ARRAY['all'::text, 'campaign'::text, 'trunk'::text]))),
    CONSTRAINT alert_rules_window_minutes_check CHECK (((window_minutes >= 1) AND (window_minutes <= 1440)))
);

ALTER TABLE public.alert_rules ALTER COLUMN rule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_rules_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alerts (
    alert_id bigint NOT NULL,
    rule_id integer NOT NULL,
    subject_kind text NOT NULL,
    subject_id integer NOT NULL,
    state text NOT NULL,
    raised_time timestamp with time zone NOT NULL,
    acknowledged_time timestamp with time zone,
    acknowledged_by text,
    resolved_time timestamp with time zone,
    value double precision NOT NULL,
    numerator bigint,
    denominator bigint,
    expected double precision NOT NULL,
    last_value double precision NOT NULL,
    last_time timestamp with time zone NOT NULL,
    recovering_since timestamp with time zone,
    detail jsonb,
    CONSTRAINT alerts_check CHECK (((state = 'resolved'::text) = (resolved_time IS NOT NULL))),
    CONSTRAINT alerts_state_check CHECK ((state = ANY (ARRAY['raised'::text, 'acknowledged'::text, 'resolved'::text])))
);

ALTER TABLE public.alerts ALTER COLUMN alert_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alerts_alert_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.api_keys (
    key_id integer NOT NULL,
    name text NOT NULL,
    key_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    created_time timestamp with time zone NOT NULL,
    revoked_time timestamp with time zone
);

ALTER TABLE public.api_keys ALTER COLUMN key_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_keys_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.attempts (
    shard_key integer NOT NULL,
    started_time timestamp with time zone NOT NULL,
    attempt_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    contact_id bigint NOT NULL,
    number text NOT NULL,
    attempt_number smallint NOT NULL,
    trunk_id integer NOT NULL,
    caller_id text NOT NULL,
    call_id text NOT NULL,
    run_id bigint NOT NULL,
    gate jsonb NOT NULL,
    settled_time timestamp with time zone,
    result text,
    reason text,
    fault text,
    sip_status smallint,
    q850_cause smallint,
    ended_by text,
    ringing_time timestamp with time zone,
    early_media_time timestamp with time zone,
    answered_time timestamp with time zone,
    ended_time timestamp with time zone,
    pdd_ms integer,
    talk_ms integer,
    digits text,
    message_played_ms integer,
    disposition text,
    failover_of bigint,
    utc_offset_minutes smallint DEFAULT 0 NOT NULL,
    import_id bigint,
    source text,
    ad text,
    keyword text,
    region text,
    answered_by text,
    is_target boolean,
    cost_micros bigint,
    disposition_time timestamp with time zone,
    change_number smallint DEFAULT 0 NOT NULL,
    media_packets_expected integer,
    media_packets_received integer,
    media_packets_lost integer,
    media_packets_late integer,
    media_packets_duplicated integer,
    media_packets_sent integer,
    media_jitter_ms real,
    media_round_trip_ms real,
    media_reported_loss real,
    media_is_one_way boolean,
    answered_by_cause text,
    speech_started_ms integer,
    greeting_ended_time timestamp with time zone,
    verdict_time timestamp with time zone,
    audit_share double precision,
    audit_judgement text,
    audit_unheard text,
    media_mos_hundredths smallint,
    media_sent_mos_hundredths smallint,
    CONSTRAINT attempts_answered_by_check CHECK ((answered_by = ANY (ARRAY['human'::text, 'machine'::text, 'fax'::text, 'tone'::text, 'music'::text, 'silence'::text, 'screening'::text, 'unsure'::text]))),
    CONSTRAINT attempts_audit_judgement_check CHECK ((audit_judgement = ANY (ARRAY['human'::text, 'machine'::text, 'cannot_tell'::text]))),
    CONSTRAINT attempts_disposition_check CHECK ((disposition = ANY (ARRAY['order'::text, 'meeting'::text, 'offer_requested'::text, 'callback_requested'::text, 'refused'::text, 'voicemail_left'::text]))),
    CONSTRAINT attempts_ended_by_check CHECK ((ended_by = ANY (ARRAY['us'::text, 'callee'::text, 'network'::text]))),
    CONSTRAINT attempts_fault_check CHECK ((fault = ANY (ARRAY['none'::text, 'callee'::text, 'trunk'::text, 'local'::text, 'indeterminate'::text]))),
    CONSTRAINT attempts_media_reported_loss_check CHECK (((media_reported_loss >= (0)::double precision) AND (media_reported_loss <= (1)::double precision))),
    CONSTRAINT attempts_result_check CHECK ((result = ANY (ARRAY['answered'::text, 'busy'::text, 'no_answer'::text, 'rejected'::text, 'unreachable'::text, 'invalid_number'::text, 'congested'::text, 'cancelled'::text, 'abandoned'::text, 'failed'::text, 'unknown'::text])))
)
PARTITION BY RANGE (started_time);

CREATE VIEW public.attempt_facts AS
 SELECT shard_key,
    attempt_id,
    change_number,
    (1)::smallint AS sign,
    started_time,
    utc_offset_minutes,
    (settled_time IS NOT NULL) AS is_settled,
    attempt_number,
    trunk_id,
    caller_id,
    import_id,
    source,
    ad,
    keyword,
    region,
    result,
    fault,
    sip_status,
    q850_cause,
    answered_by,
    disposition,
    pdd_ms,
    talk_ms,
    is_target,
    cost_micros,
    (failover_of IS NOT NULL) AS is_failover,
    (verdict_time - answered_time) AS verdict_delay,
    audit_share,
        CASE
            WHEN (audit_unheard IS NULL) THEN audit_judgement
            ELSE 'unheard'::text
        END AS audit_state,
    media_packets_expected,
    media_packets_lost,
    media_jitter_ms,
    media_is_one_way,
    media_mos_hundredths
   FROM public.attempts;

CREATE TABLE public.attempts_default (
    shard_key integer CONSTRAINT attempts_shard_key_not_null NOT NULL,
    started_time timestamp with time zone CONSTRAINT attempts_started_time_not_null NOT NULL,
    attempt_id bigint CONSTRAINT attempts_attempt_id_not_null NOT NULL,
    campaign_id integer CONSTRAINT attempts_campaign_id_not_null NOT NULL,
    contact_id bigint CONSTRAINT attempts_contact_id_not_null NOT NULL,
    number text CONSTRAINT attempts_number_not_null NOT NULL,
    attempt_number smallint CONSTRAINT attempts_attempt_number_not_null NOT NULL,
    trunk_id integer CONSTRAINT attempts_trunk_id_not_null NOT NULL,
    caller_id text CONSTRAINT attempts_caller_id_not_null NOT NULL,
    call_id text CONSTRAINT attempts_call_id_not_null NOT NULL,
    run_id bigint CONSTRAINT attempts_run_id_not_null NOT NULL,
    gate jsonb CONSTRAINT attempts_gate_not_null NOT NULL,
    settled_time timestamp with time zone,
    result text,
    reason text,
    fault text,
    sip_status smallint,
    q850_cause smallint,
    ended_by text,
    ringing_time timestamp with time zone,
    early_media_time timestamp with time zone,
    answered_time timestamp with time zone,
    ended_time timestamp with time zone,
    pdd_ms integer,
    talk_ms integer,
    digits text,
    message_played_ms integer,
    disposition text,
    failover_of bigint,
    utc_offset_minutes smallint DEFAULT 0 CONSTRAINT attempts_utc_offset_minutes_not_null NOT NULL,
    import_id bigint,
    source text,
    ad text,
    keyword text,
    region text,
    answered_by text,
    is_target boolean,
    cost_micros bigint,
    disposition_time timestamp with time zone,
    change_number smallint DEFAULT 0 CONSTRAINT attempts_change_number_not_null NOT NULL,
    media_packets_expected integer,
    media_packets_received integer,
    media_packets_lost integer,
    media_packets_late integer,
    media_packets_duplicated integer,
    media_packets_sent integer,
    media_jitter_ms real,
    media_round_trip_ms real,
    media_reported_loss real,
    media_is_one_way boolean,
    answered_by_cause text,
    speech_started_ms integer,
    greeting_ended_time timestamp with time zone,
    verdict_time timestamp with time zone,
    audit_share double precision,
    audit_judgement text,
    audit_unheard text,
    media_mos_hundredths smallint,
    media_sent_mos_hundredths smallint,
    CONSTRAINT attempts_answered_by_check CHECK ((answered_by = ANY (ARRAY['human'::text, 'machine'::text, 'fax'::text, 'tone'::text, 'music'::text, 'silence'::text, 'screening'::text, 'unsure'::text]))),
    CONSTRAINT attempts_audit_judgement_check CHECK ((audit_judgement = ANY (ARRAY['human'::text, 'machine'::text, 'cannot_tell'::text]))),
    CONSTRAINT attempts_disposition_check CHECK ((disposition = ANY (ARRAY['order'::text, 'meeting'::text, 'offer_requested'::text, 'callback_requested'::text, 'refused'::text, 'voicemail_left'::text]))),
    CONSTRAINT attempts_ended_by_check CHECK ((ended_by = ANY (ARRAY['us'::text, 'callee'::text, 'network'::text]))),
    CONSTRAINT attempts_fault_check CHECK ((fault = ANY (ARRAY['none'::text, 'callee'::text, 'trunk'::text, 'local'::text, 'indeterminate'::text]))),
    CONSTRAINT attempts_media_reported_loss_check CHECK (((media_reported_loss >= (0)::double precision) AND (media_reported_loss <= (1)::double precision))),
    CONSTRAINT attempts_result_check CHECK ((result = ANY (ARRAY['answered'::text, 'busy'::text, 'no_answer'::text, 'rejected'::text, 'unreachable'::text, 'invalid_number'::text, 'congested'::text, 'cancelled'::text, 'abandoned'::text, 'failed'::text, 'unknown'::text])))
);

CREATE TABLE public.attribution_seals (
    shard_key integer NOT NULL,
    dim smallint NOT NULL,
    day date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    value_texts text[] NOT NULL,
    dialed bytea[] NOT NULL,
    answered bytea[] NOT NULL,
    person bytea[] NOT NULL,
    target bytea[] NOT NULL,
    success bytea[] NOT NULL,
    sealed_time timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.attribution_seals ALTER COLUMN dialed SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.attribution_seals ALTER COLUMN answered SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.attribution_seals ALTER COLUMN person SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.attribution_seals ALTER COLUMN target SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.attribution_seals ALTER COLUMN success SET STORAGE EXTERNAL;

CREATE TABLE public.audit_log (
    audit_id bigint NOT NULL,
    "time" timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id bigint NOT NULL,
    old jsonb NOT NULL,
    new jsonb NOT NULL
);

ALTER TABLE public.audit_log ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.call_traces (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    call_id text NOT NULL,
    started_time timestamp with time zone NOT NULL,
    written_time timestamp with time zone NOT NULL,
    is_complete boolean NOT NULL,
    messages bytea NOT NULL
);

CREATE TABLE public.callback_seals (
    shard_key integer NOT NULL,
    day date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    done integer NOT NULL
);

CREATE TABLE public.campaign_trunks (
    campaign_id integer NOT NULL,
    trunk_id integer NOT NULL,
    priority integer NOT NULL,
    weight integer NOT NULL,
    CONSTRAINT campaign_trunks_priority_check CHECK (((priority >= 0) AND (priority <= 100))),
    CONSTRAINT campaign_trunks_weight_check CHECK (((weight >= 1) AND (weight <= 1000)))
);

CREATE TABLE public.campaigns (
    campaign_id integer NOT NULL,
    name text NOT NULL,
    mode text NOT NULL,
    purpose text NOT NULL,
    status text NOT NULL,
    split smallint DEFAULT 1 NOT NULL,
    prompt_id integer,
    caller_id text,
    default_country text NOT NULL,
    time_zone text NOT NULL,
    callee_time_zone text,
    window_start_minute smallint NOT NULL,
    window_end_minute smallint NOT NULL,
    window_weekdays smallint[] NOT NULL,
    max_calls_per_second double precision NOT NULL,
    max_concurrent_calls integer NOT NULL,
    ring_timeout_seconds double precision NOT NULL,
    max_talk_seconds double precision NOT NULL,
    key_wait_seconds double precision NOT NULL,
    retry_rules jsonb NOT NULL,
    created_time timestamp with time zone NOT NULL,
    started_time timestamp with time zone,
    finished_time timestamp with time zone,
    target_min_seconds integer DEFAULT 30 NOT NULL,
    target_max_seconds integer DEFAULT 3600 NOT NULL,
    machine_counts_as_success boolean DEFAULT false NOT NULL,
    answering_machine text DEFAULT 'ignore'::text NOT NULL,
    recording text DEFAULT 'none'::text NOT NULL,
    recording_days integer DEFAULT 30 NOT NULL,
    audit_share double precision DEFAULT 0.05 NOT NULL,
    false_positive_limit double precision DEFAULT 0.03 NOT NULL,
    CONSTRAINT campaigns_answering_machine_check CHECK ((answering_machine = ANY (ARRAY['ignore'::text, 'hang_up'::text, 'leave_message'::text]))),
    CONSTRAINT campaigns_audit_share_check CHECK (((audit_share = (0)::double precision) OR ((audit_share >= (0.001)::double precision) AND (audit_share <= (1)::double precision)))),
    CONSTRAINT campaigns_campaign_id_check CHECK ((campaign_id < 8388608)),
    CONSTRAINT campaigns_check CHECK ((window_start_minute < window_end_minute)),
    CONSTRAINT campaigns_default_country_check CHECK ((default_country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT campaigns_false_positive_limit_check CHECK (((false_positive_limit >= (0.001)::double precision) AND (false_positive_limit <= (0.5)::double precision))),
    CONSTRAINT campaigns_key_wait_seconds_check CHECK ((key_wait_seconds >= (0)::double precision)),
    CONSTRAINT campaigns_max_calls_per_second_check CHECK ((max_calls_per_second > (0)::double precision)),
    CONSTRAINT campaigns_max_concurrent_calls_check CHECK ((max_concurrent_calls > 0)),
    CONSTRAINT campaigns_max_talk_seconds_check CHECK ((max_talk_seconds > (0)::double precision)),
    CONSTRAINT campaigns_mode_check CHECK ((mode = 'voice_message'::text)),
    CONSTRAINT campaigns_purpose_check CHECK ((purpose = ANY (ARRAY['service'::text, 'advertising'::text]))),
    CONSTRAINT campaigns_recording_check CHECK ((recording = ANY (ARRAY['none'::text, 'all'::text, 'on_demand'::text]))),
    CONSTRAINT campaigns_recording_days_check CHECK (((recording_days >= 1) AND (recording_days <= 36500))),
    CONSTRAINT campaigns_ring_timeout_seconds_check CHECK ((ring_timeout_seconds >= (15)::double precision)),
    CONSTRAINT campaigns_split_check CHECK (((split >= 1) AND (split <= 256))),
    CONSTRAINT campaigns_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'running'::text, 'paused'::text, 'stopped'::text, 'finished'::text]))),
    CONSTRAINT campaigns_target_min_seconds_check CHECK ((target_min_seconds >= 0)),
    CONSTRAINT campaigns_target_range CHECK ((target_min_seconds <= target_max_seconds)),
    CONSTRAINT campaigns_window_end_minute_check CHECK (((window_end_minute >= 1) AND (window_end_minute <= 1440))),
    CONSTRAINT campaigns_window_start_minute_check CHECK (((window_start_minute >= 0) AND (window_start_minute <= 1439)))
);

ALTER TABLE public.campaigns ALTER COLUMN campaign_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.campaigns_campaign_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.classifier_stops (
    stop_id integer NOT NULL,
    campaign_id integer NOT NULL,
    stopped_time timestamp with time zone NOT NULL,
    humans integer NOT NULL,
    judged integer NOT NULL,
    false_positive_limit double precision NOT NULL,
    resumed_time timestamp with time zone,
    resumed_by text
);

ALTER TABLE public.classifier_stops ALTER COLUMN stop_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.classifier_stops_stop_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.contacts (
    shard_key integer NOT NULL,
    contact_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    number text NOT NULL,
    fields jsonb NOT NULL,
    import_id bigint NOT NULL,
    source text,
    ad text,
    keyword text,
    region text,
    CONSTRAINT contacts_number_check CHECK (((number ~ '^\+[1-9][0-9]{6,14}$'::text) OR (number ~ '^erased-[0-9a-f-]{36}$'::text)))
);

CREATE TABLE public.dnc_numbers (
    number text NOT NULL,
    source text NOT NULL,
    attempt_id bigint,
    added_time timestamp with time zone NOT NULL,
    CONSTRAINT dnc_numbers_number_check CHECK ((number ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT dnc_numbers_source_check CHECK ((source = ANY (ARRAY['key_press'::text, 'api'::text, 'import'::text])))
);

CREATE TABLE public.fact_changes (
    change_id bigint NOT NULL,
    changed_time timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    action text NOT NULL,
    attempt_id bigint,
    old_disposition text,
    new_disposition text,
    erased_word text,
    rows_changed jsonb NOT NULL,
    CONSTRAINT fact_changes_action_check CHECK ((action = ANY (ARRAY['disposition'::text, 'erase'::text])))
);

ALTER TABLE public.fact_changes ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fact_changes_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.idempotency_keys (
    owner text NOT NULL,
    idempotency_key text NOT NULL,
    request_sha256 bytea NOT NULL,
    response_status smallint,
    response_body bytea,
    created_time timestamp with time zone NOT NULL
);

CREATE TABLE public.import_rejections (
    shard_key integer NOT NULL,
    import_id bigint NOT NULL,
    line integer NOT NULL,
    value text NOT NULL,
    code text NOT NULL,
    params jsonb NOT NULL
);

CREATE TABLE public.imports (
    import_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    file_name text NOT NULL,
    encoding text NOT NULL,
    delimiter text NOT NULL,
    number_column text NOT NULL,
    warnings text[] NOT NULL,
    rows_total integer NOT NULL,
    rows_accepted integer NOT NULL,
    rows_rejected integer NOT NULL,
    rejected_counts jsonb NOT NULL,
    created_time timestamp with time zone NOT NULL
);

ALTER TABLE public.imports ALTER COLUMN import_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.imports_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.leads (
    shard_key integer NOT NULL,
    contact_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    number text NOT NULL,
    status text NOT NULL,
    due_time timestamp with time zone,
    attempts_made smallint NOT NULL,
    open_attempt_id bigint,
    last_reason text,
    failover jsonb,
    CONSTRAINT leads_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'dialing'::text, 'finished'::text, 'blocked'::text])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

CREATE TABLE public.node_runs (
    run_id bigint NOT NULL,
    node_name text NOT NULL,
    id_node smallint NOT NULL,
    started_time timestamp with time zone NOT NULL,
    heartbeat_time timestamp with time zone NOT NULL,
    ended_time timestamp with time zone,
    CONSTRAINT node_runs_id_node_check CHECK (((id_node >= 0) AND (id_node <= 1023)))
);

CREATE UNLOGGED TABLE public.node_state (
    run_id bigint NOT NULL,
    "time" timestamp with time zone NOT NULL,
    state jsonb NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.number_month_seals (
    shard_key integer NOT NULL,
    month date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    dialed bytea NOT NULL,
    settled bytea NOT NULL,
    answered bytea NOT NULL,
    person bytea NOT NULL,
    target bytea NOT NULL,
    success bytea NOT NULL,
    sealed_time timestamp with time zone NOT NULL
);

CREATE TABLE public.number_seals (
    shard_key integer NOT NULL,
    day date NOT NULL,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    dialed bytea NOT NULL,
    settled bytea NOT NULL,
    answered bytea NOT NULL,
    person bytea NOT NULL,
    target bytea NOT NULL,
    success bytea NOT NULL,
    sealed_time timestamp with time zone NOT NULL
);

CREATE TABLE public.numbers (
    number text NOT NULL,
    number_id integer NOT NULL
);

CREATE TABLE public.prompts (
    prompt_id integer NOT NULL,
    name text NOT NULL,
    duration_ms integer NOT NULL,
    pcm_s16le_8khz bytea NOT NULL,
    created_time timestamp with time zone NOT NULL,
    CONSTRAINT prompts_duration_ms_check CHECK ((duration_ms > 0))
);

ALTER TABLE public.prompts ALTER COLUMN prompt_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.prompts_prompt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recording_requests (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    requested_time timestamp with time zone NOT NULL
);

CREATE TABLE public.recordings (
    shard_key integer NOT NULL,
    recording_id bigint NOT NULL,
    attempt_id bigint NOT NULL,
    campaign_id integer NOT NULL,
    contact_id bigint NOT NULL,
    node_name text NOT NULL,
    started_time timestamp with time zone NOT NULL,
    ended_time timestamp with time zone,
    state text NOT NULL,
    path text NOT NULL,
    duration_ms integer,
    size_bytes bigint,
    sha256 bytea,
    gap_ms integer,
    cause text,
    key_id text,
    is_held boolean DEFAULT false NOT NULL,
    delete_after date,
    deleted_time timestamp with time zone,
    deleted_why text,
    copy_state text,
    copied_time timestamp with time zone,
    copy_error text,
    copy_attempts integer DEFAULT 0 NOT NULL,
    next_copy_time timestamp with time zone,
    held_by text,
    held_time timestamp with time zone,
    held_why text,
    delete_tries integer DEFAULT 0 NOT NULL,
    next_delete_time timestamp with time zone,
    delete_error text,
    copy_error_time timestamp with time zone,
    CONSTRAINT recordings_copy_state CHECK ((copy_state = ANY (ARRAY['copying'::text, 'waiting'::text, 'copied'::text, 'failed'::text, 'deleted'::text]))),
    CONSTRAINT recordings_state_check CHECK ((state = ANY (ARRAY['writing'::text, 'ready'::text, 'broken'::text, 'deleted'::text])))
);

CREATE TABLE public.report_deliveries (
    schedule_id integer NOT NULL,
    due_time timestamp with time zone NOT NULL,
    status text NOT NULL,
    tries smallint NOT NULL,
    next_try_time timestamp with time zone NOT NULL,
    holder bigint,
    lease_until timestamp with time zone,
    last_error text,
    sent_time timestamp with time zone,
    error_code text,
    CONSTRAINT report_deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'sent'::text, 'failed'::text])))
);

CREATE TABLE public.report_schedules (
    schedule_id integer NOT NULL,
    report_id integer NOT NULL,
    every text NOT NULL,
    weekday smallint,
    month_day smallint,
    minute smallint NOT NULL,
    time_zone text NOT NULL,
    language text NOT NULL,
    format text NOT NULL,
    recipients text[],
    webhook_url text,
    webhook_secret text,
    is_active boolean NOT NULL,
    created_time timestamp with time zone NOT NULL,
    next_time timestamp with time zone NOT NULL,
    CONSTRAINT report_schedules_check CHECK (((recipients IS NULL) <> (webhook_url IS NULL))),
    CONSTRAINT report_schedules_check1 CHECK (((webhook_url IS NULL) = (webhook_secret IS NULL))),
    CONSTRAINT report_schedules_check2 CHECK (((every = 'week'::text) = (weekday IS NOT NULL))),
    CONSTRAINT report_schedules_check3 CHECK (((every = 'month'::text) = (month_day IS NOT NULL))),
    CONSTRAINT report_schedules_every_check CHECK ((every = ANY (ARRAY['day'::text, 'week'::text, 'month'::text]))),
    CONSTRAINT report_schedules_format_check CHECK ((format = ANY (ARRAY['csv'::text, 'xlsx'::text, 'parquet'::text]))),
    CONSTRAINT report_schedules_language_check CHECK ((language = ANY (ARRAY['en'::text, 'ru'::text]))),
    CONSTRAINT report_schedules_minute_check CHECK (((minute >= 0) AND (minute <= 1439))),
    CONSTRAINT report_schedules_month_day_check CHECK (((month_day >= 1) AND (month_day <= 31))),
    CONSTRAINT report_schedules_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7)))
);

ALTER TABLE public.report_schedules ALTER COLUMN schedule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.report_schedules_schedule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rollup_checks (
    shard_key integer NOT NULL,
    month date NOT NULL,
    checked_time timestamp with time zone NOT NULL,
    differences integer NOT NULL,
    wrong_days date[] NOT NULL,
    is_repaired boolean NOT NULL
);

CREATE TABLE public.rollup_tasks (
    task text NOT NULL,
    holder bigint,
    lease_until timestamp with time zone
);

CREATE TABLE public.saved_reports (
    report_id integer NOT NULL,
    name text NOT NULL,
    owner text NOT NULL,
    query jsonb NOT NULL,
    created_time timestamp with time zone NOT NULL,
    changed_time timestamp with time zone NOT NULL
);

ALTER TABLE public.saved_reports ALTER COLUMN report_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.saved_reports_report_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

CREATE TABLE public.sessions (
    token_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    expires_time timestamp with time zone NOT NULL
);

CREATE TABLE public.shards (
    shard_key integer NOT NULL,
    campaign_id integer NOT NULL,
    run_id bigint,
    lease_until timestamp with time zone
);

CREATE TABLE public.sign_in_links (
    token_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    expires_time timestamp with time zone NOT NULL,
    used_time timestamp with time zone
);

CREATE TABLE public.stats (
    shard_key integer NOT NULL,
    dim smallint NOT NULL,
    bucket_time timestamp with time zone NOT NULL,
    value text NOT NULL,
    attempts integer NOT NULL,
    settled integer NOT NULL,
    answered integer NOT NULL,
    network_effective integer NOT NULL,
    invalid_numbers integer NOT NULL,
    abandoned integer NOT NULL,
    trunk_faults integer NOT NULL,
    persons integer NOT NULL,
    machines integer NOT NULL,
    orders integer NOT NULL,
    meetings integer NOT NULL,
    offers integer NOT NULL,
    callbacks integer NOT NULL,
    refusals integer NOT NULL,
    voicemails_left integer NOT NULL,
    target_calls integer NOT NULL,
    short_calls integer NOT NULL,
    new_numbers integer NOT NULL,
    talk_count integer NOT NULL,
    talk_ms_sum bigint NOT NULL,
    pdd_count integer NOT NULL,
    pdd_ms_sum bigint NOT NULL,
    cost_count integer NOT NULL,
    cost_micros_sum bigint NOT NULL,
    changes integer NOT NULL,
    judged integer DEFAULT 0 NOT NULL,
    talks integer DEFAULT 0 NOT NULL,
    successful_talks integer DEFAULT 0 NOT NULL,
    talk_ms_squares numeric DEFAULT 0 NOT NULL,
    machine_successes integer DEFAULT 0 NOT NULL,
    unsuccessful integer DEFAULT 0 NOT NULL,
    unsuccessful_machines integer DEFAULT 0 NOT NULL,
    undecided integer DEFAULT 0 NOT NULL,
    undecided_machines integer DEFAULT 0 NOT NULL,
    timed_verdicts integer,
    nobody_verdicts integer,
    audits_drawn integer,
    audits_waiting integer,
    audits_unheard integer,
    audited_verdicts integer,
    audited_persons integer,
    represented_verdicts bigint,
    represented_persons bigint,
    represented_squares numeric,
    heard_calls integer,
    packets_expected bigint,
    packets_lost bigint,
    jittered_calls integer,
    jitter_us_sum bigint,
    direction_checked_calls integer,
    one_way_calls integer,
    mos_calls integer,
    mos_hundredths_sum bigint,
    low_mos_calls integer
)
WITH (fillfactor='70');

CREATE TABLE public.stats_dimensions (
    dim smallint NOT NULL,
    name text NOT NULL,
    is_filled boolean NOT NULL
);

CREATE VIEW public.stats_live AS
 SELECT o.shard_key,
    s.dim,
    s.bucket_time,
    s.value,
    s.attempts,
    s.settled,
    s.answered,
    s.network_effective,
    s.invalid_numbers,
    s.abandoned,
    s.trunk_faults,
    s.persons,
    s.machines,
    s.orders,
    s.meetings,
    s.offers,
    s.callbacks,
    s.refusals,
    s.voicemails_left,
    s.target_calls,
    s.short_calls,
    s.new_numbers,
    s.talk_count,
    s.talk_ms_sum,
    s.pdd_count,
    s.pdd_ms_sum,
    s.cost_count,
    s.cost_micros_sum,
    s.changes,
    s.judged,
    s.talks,
    s.successful_talks,
    s.talk_ms_squares,
    s.machine_successes,
    s.unsuccessful,
    s.unsuccessful_machines,
    s.undecided,
    s.undecided_machines,
    s.timed_verdicts,
    s.nobody_verdicts,
    s.audits_drawn,
    s.audits_waiting,
    s.audits_unheard,
    s.audited_verdicts,
    s.audited_persons,
    s.represented_verdicts,
    s.represented_persons,
    s.represented_squares,
    s.heard_calls,
    s.packets_expected,
    s.packets_lost,
    s.jittered_calls,
    s.jitter_us_sum,
    s.direction_checked_calls,
    s.one_way_calls,
    s.mos_calls,
    s.mos_hundredths_sum,
    s.low_mos_calls
   FROM (public.outbox o
     CROSS JOIN LATERAL public.fact_stats(o.*) s(dim, bucket_time, value, attempts, settled, answered, network_effective, invalid_numbers, abandoned, trunk_faults, persons, machines, orders, meetings, offers, callbacks, refusals, voicemails_left, target_calls, short_calls, new_numbers, talk_count, talk_ms_sum, pdd_count, pdd_ms_sum, cost_count, cost_micros_sum, changes, judged, talks, successful_talks, talk_ms_squares, machine_successes, unsuccessful, unsuccessful_machines, undecided, undecided_machines, timed_verdicts, nobody_verdicts, audits_drawn, audits_waiting, audits_unheard, audited_verdicts, audited_persons, represented_verdicts, represented_persons, represented_squares, heard_calls, packets_expected, packets_lost, jittered_calls, jitter_us_sum, direction_checked_calls, one_way_calls, mos_calls, mos_hundredths_sum, low_mos_calls))
UNION ALL
 SELECT 0 AS shard_key,
    s.dim,
    s.bucket_time,
    s.value,
    s.attempts,
    s.settled,
    s.answered,
    s.network_effective,
    s.invalid_numbers,
    s.abandoned,
    s.trunk_faults,
    s.persons,
    s.machines,
    s.orders,
    s.meetings,
    s.offers,
    s.callbacks,
    s.refusals,
    s.voicemails_left,
    s.target_calls,
    s.short_calls,
    s.new_numbers,
    s.talk_count,
    s.talk_ms_sum,
    s.pdd_count,
    s.pdd_ms_sum,
    s.cost_count,
    s.cost_micros_sum,
    s.changes,
    s.judged,
    s.talks,
    s.successful_talks,
    s.talk_ms_squares,
    s.machine_successes,
    s.unsuccessful,
    s.unsuccessful_machines,
    s.undecided,
    s.undecided_machines,
    s.timed_verdicts,
    s.nobody_verdicts,
    s.audits_drawn,
    s.audits_waiting,
    s.audits_unheard,
    s.audited_verdicts,
    s.audited_persons,
    s.represented_verdicts,
    s.represented_persons,
    s.represented_squares,
    s.heard_calls,
    s.packets_expected,
    s.packets_lost,
    s.jittered_calls,
    s.jitter_us_sum,
    s.direction_checked_calls,
    s.one_way_calls,
    s.mos_calls,
    s.mos_hundredths_sum,
    s.low_mos_calls
   FROM (public.outbox o
     CROSS JOIN LATERAL public.fact_stats(o.*) s(dim, bucket_time, value, attempts, settled, answered, network_effective, invalid_numbers, abandoned, trunk_faults, persons, machines, orders, meetings, offers, callbacks, refusals, voicemails_left, target_calls, short_calls, new_numbers, talk_count, talk_ms_sum, pdd_count, pdd_ms_sum, cost_count, cost_micros_sum, changes, judged, talks, successful_talks, talk_ms_squares, machine_successes, unsuccessful, unsuccessful_machines, undecided, undecided_machines, timed_verdicts, nobody_verdicts, audits_drawn, audits_waiting, audits_unheard, audited_verdicts, audited_persons, represented_verdicts, represented_persons, represented_squares, heard_calls, packets_expected, packets_lost, jittered_calls, jitter_us_sum, direction_checked_calls, one_way_calls, mos_calls, mos_hundredths_sum, low_mos_calls))
UNION ALL
 SELECT a.shard_key,
    s.dim,
    s.bucket_time,
    s.value,
    s.attempts,
    s.settled,
    s.answered,
    s.network_effective,
    s.invalid_numbers,
    s.abandoned,
    s.trunk_faults,
    s.persons,
    s.machines,
    s.orders,
    s.meetings,
    s.offers,
    s.callbacks,
    s.refusals,
    s.voicemails_left,
    s.target_calls,
    s.short_calls,
    s.new_numbers,
    s.talk_count,
    s.talk_ms_sum,
    s.pdd_count,
    s.pdd_ms_sum,
    s.cost_count,
    s.cost_micros_sum,
    s.changes,
    s.judged,
    s.talks,
    s.successful_talks,
    s.talk_ms_squares,
    s.machine_successes,
    s.unsuccessful,
    s.unsuccessful_machines,
    s.undecided,
    s.undecided_machines,
    s.timed_verdicts,
    s.nobody_verdicts,
    s.audits_drawn,
    s.audits_waiting,
    s.audits_unheard,
    s.audited_verdicts,
    s.audited_persons,
    s.represented_verdicts,
    s.represented_persons,
    s.represented_squares,
    s.heard_calls,
    s.packets_expected,
    s.packets_lost,
    s.jittered_calls,
    s.jitter_us_sum,
    s.direction_checked_calls,
    s.one_way_calls,
    s.mos_calls,
    s.mos_hundredths_sum,
    s.low_mos_calls
   FROM (public.attempt_facts a
     CROSS JOIN LATERAL public.fact_stats(ROW(a.shard_key, a.attempt_id, a.change_number, a.sign, a.started_time, a.utc_offset_minutes, a.is_settled, a.attempt_number, a.trunk_id, a.caller_id, a.import_id, a.source, a.ad, a.keyword, a.region, a.result, a.fault, a.sip_status, a.q850_cause, a.answered_by, a.disposition, a.pdd_ms, a.talk_ms, a.is_target, a.cost_micros, a.is_failover, a.verdict_delay, a.audit_share, a.audit_state, a.media_packets_expected, a.media_packets_lost, a.media_jitter_ms, a.media_is_one_way, a.media_mos_hundredths)::public.outbox) s(dim, bucket_time, value, attempts, settled, answered, network_effective, invalid_numbers, abandoned, trunk_faults, persons, machines, orders, meetings, offers, callbacks, refusals, voicemails_left, target_calls, short_calls, new_numbers, talk_count, talk_ms_sum, pdd_count, pdd_ms_sum, cost_count, cost_micros_sum, changes, judged, talks, successful_talks, talk_ms_squares, machine_successes, unsuccessful, unsuccessful_machines, undecided, undecided_machines, timed_verdicts, nobody_verdicts, audits_drawn, audits_waiting, audits_unheard, audited_verdicts, audited_persons, represented_verdicts, represented_persons, represented_squares, heard_calls, packets_expected, packets_lost, jittered_calls, jitter_us_sum, direction_checked_calls, one_way_calls, mos_calls, mos_hundredths_sum, low_mos_calls))
  WHERE (NOT a.is_settled)
UNION ALL
 SELECT 0 AS shard_key,
    s.dim,
    s.bucket_time,
    s.value,
    s.attempts,
    s.settled,
    s.answered,
    s.network_effective,
    s.invalid_numbers,
    s.abandoned,
    s.trunk_faults,
    s.persons,
    s.machines,
    s.orders,
    s.meetings,
    s.offers,
    s.callbacks,
    s.refusals,
    s.voicemails_left,
    s.target_calls,
    s.short_calls,
    s.new_numbers,
    s.talk_count,
    s.talk_ms_sum,
    s.pdd_count,
    s.pdd_ms_sum,
    s.cost_count,
    s.cost_micros_sum,
    s.changes,
    s.judged,
    s.talks,
    s.successful_talks,
    s.talk_ms_squares,
    s.machine_successes,
    s.unsuccessful,
    s.unsuccessful_machines,
    s.undecided,
    s.undecided_machines,
    s.timed_verdicts,
    s.nobody_verdicts,
    s.audits_drawn,
    s.audits_waiting,
    s.audits_unheard,
    s.audited_verdicts,
    s.audited_persons,
    s.represented_verdicts,
    s.represented_persons,
    s.represented_squares,
    s.heard_calls,
    s.packets_expected,
    s.packets_lost,
    s.jittered_calls,
    s.jitter_us_sum,
    s.direction_checked_calls,
    s.one_way_calls,
    s.mos_calls,
    s.mos_hundredths_sum,
    s.low_mos_calls
   FROM (public.attempt_facts a
     CROSS JOIN LATERAL public.fact_stats(ROW(a.shard_key, a.attempt_id, a.change_number, a.sign, a.started_time, a.utc_offset_minutes, a.is_settled, a.attempt_number, a.trunk_id, a.caller_id, a.import_id, a.source, a.ad, a.keyword, a.region, a.result, a.fault, a.sip_status, a.q850_cause, a.answered_by, a.disposition, a.pdd_ms, a.talk_ms, a.is_target, a.cost_micros, a.is_failover, a.verdict_delay, a.audit_share, a.audit_state, a.media_packets_expected, a.media_packets_lost, a.media_jitter_ms, a.media_is_one_way, a.media_mos_hundredths)::public.outbox) s(dim, bucket_time, value, attempts, settled, answered, network_effective, invalid_numbers, abandoned, trunk_faults, persons, machines, orders, meetings, offers, callbacks, refusals, voicemails_left, target_calls, short_calls, new_numbers, talk_count, talk_ms_sum, pdd_count, pdd_ms_sum, cost_count, cost_micros_sum, changes, judged, talks, successful_talks, talk_ms_squares, machine_successes, unsuccessful, unsuccessful_machines, undecided, undecided_machines, timed_verdicts, nobody_verdicts, audits_drawn, audits_waiting, audits_unheard, audited_verdicts, audited_persons, represented_verdicts, represented_persons, represented_squares, heard_calls, packets_expected, packets_lost, jittered_calls, jitter_us_sum, direction_checked_calls, one_way_calls, mos_calls, mos_hundredths_sum, low_mos_calls))
  WHERE (NOT a.is_settled);

CREATE VIEW public.stats_now AS
 SELECT stats.shard_key,
    stats.dim,
    stats.bucket_time,
    stats.value,
    stats.attempts,
    stats.settled,
    stats.answered,
    stats.network_effective,
    stats.invalid_numbers,
    stats.abandoned,
    stats.trunk_faults,
    stats.persons,
    stats.machines,
    stats.orders,
    stats.meetings,
    stats.offers,
    stats.callbacks,
    stats.refusals,
    stats.voicemails_left,
    stats.target_calls,
    stats.short_calls,
    stats.new_numbers,
    stats.talk_count,
    stats.talk_ms_sum,
    stats.pdd_count,
    stats.pdd_ms_sum,
    stats.cost_count,
    stats.cost_micros_sum,
    stats.changes,
    stats.judged,
    stats.talks,
    stats.successful_talks,
    stats.talk_ms_squares,
    stats.machine_successes,
    stats.unsuccessful,
    stats.unsuccessful_machines,
    stats.undecided,
    stats.undecided_machines,
    stats.timed_verdicts,
    stats.nobody_verdicts,
    stats.audits_drawn,
    stats.audits_waiting,
    stats.audits_unheard,
    stats.audited_verdicts,
    stats.audited_persons,
    stats.represented_verdicts,
    stats.represented_persons,
    stats.represented_squares,
    stats.heard_calls,
    stats.packets_expected,
    stats.packets_lost,
    stats.jittered_calls,
    stats.jitter_us_sum,
    stats.direction_checked_calls,
    stats.one_way_calls,
    stats.mos_calls,
    stats.mos_hundredths_sum,
    stats.low_mos_calls
   FROM public.stats
UNION ALL
 SELECT stats_live.shard_key,
    stats_live.dim,
    stats_live.bucket_time,
    stats_live.value,
    stats_live.attempts,
    stats_live.settled,
    stats_live.answered,
    stats_live.network_effective,
    stats_live.invalid_numbers,
    stats_live.abandoned,
    stats_live.trunk_faults,
    stats_live.persons,
    stats_live.machines,
    stats_live.orders,
    stats_live.meetings,
    stats_live.offers,
    stats_live.callbacks,
    stats_live.refusals,
    stats_live.voicemails_left,
    stats_live.target_calls,
    stats_live.short_calls,
    stats_live.new_numbers,
    stats_live.talk_count,
    stats_live.talk_ms_sum,
    stats_live.pdd_count,
    stats_live.pdd_ms_sum,
    stats_live.cost_count,
    stats_live.cost_micros_sum,
    stats_live.changes,
    stats_live.judged,
    stats_live.talks,
    stats_live.successful_talks,
    stats_live.talk_ms_squares,
    stats_live.machine_successes,
    stats_live.unsuccessful,
    stats_live.unsuccessful_machines,
    stats_live.undecided,
    stats_live.undecided_machines,
    stats_live.timed_verdicts,
    stats_live.nobody_verdicts,
    stats_live.audits_drawn,
    stats_live.audits_waiting,
    stats_live.audits_unheard,
    stats_live.audited_verdicts,
    stats_live.audited_persons,
    stats_live.represented_verdicts,
    stats_live.represented_persons,
    stats_live.represented_squares,
    stats_live.heard_calls,
    stats_live.packets_expected,
    stats_live.packets_lost,
    stats_live.jittered_calls,
    stats_live.jitter_us_sum,
    stats_live.direction_checked_calls,
    stats_live.one_way_calls,
    stats_live.mos_calls,
    stats_live.mos_hundredths_sum,
    stats_live.low_mos_calls
   FROM public.stats_live;

CREATE TABLE public.trunk_health (
    trunk_id integer NOT NULL,
    run_id bigint NOT NULL,
    state text NOT NULL,
    reason text,
    open_until timestamp with time zone,
    is_registered boolean,
    registration_problem text,
    resolve_problem text,
    channels_in_use integer NOT NULL,
    options_time timestamp with time zone,
    options_ms integer,
    options_status smallint,
    updated_time timestamp with time zone NOT NULL,
    CONSTRAINT trunk_health_state_check CHECK ((state = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text])))
);

CREATE TABLE public.trunks (
    trunk_id integer NOT NULL,
    name text NOT NULL,
    host text NOT NULL,
    port integer,
    username text,
    password text,
    caller_id text NOT NULL,
    max_calls_per_second double precision NOT NULL,
    max_channels integer NOT NULL,
    created_time timestamp with time zone NOT NULL,
    profile jsonb DEFAULT '{}'::jsonb NOT NULL,
    deleted_time timestamp with time zone,
    price_per_minute_micros bigint,
    price_per_connection_micros bigint,
    billing_increment_seconds smallint DEFAULT 60 NOT NULL,
    CONSTRAINT trunks_billing_increment_seconds_check CHECK (((billing_increment_seconds >= 1) AND (billing_increment_seconds <= 3600))),
    CONSTRAINT trunks_max_calls_per_second_check CHECK ((max_calls_per_second > (0)::double precision)),
    CONSTRAINT trunks_max_channels_check CHECK ((max_channels > 0)),
    CONSTRAINT trunks_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT trunks_price_per_connection_micros_check CHECK ((price_per_connection_micros >= 0)),
    CONSTRAINT trunks_price_per_minute_micros_check CHECK ((price_per_minute_micros >= 0))
);

ALTER TABLE public.trunks ALTER COLUMN trunk_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.trunks_trunk_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.verdict_audits (
    shard_key integer NOT NULL,
    attempt_id bigint NOT NULL,
    started_time timestamp with time zone NOT NULL,
    drawn_time timestamp with time zone NOT NULL,
    claimed_by text,
    claimed_until timestamp with time zone,
    judgement text,
    judged_by text,
    judged_time timestamp with time zone,
    unheard_why text,
    CONSTRAINT verdict_audits_check CHECK ((((judgement IS NULL) = (judged_time IS NULL)) AND ((judgement IS NULL) = (judged_by IS NULL)))),
    CONSTRAINT verdict_audits_heard_or_not CHECK (((unheard_why IS NULL) OR (judgement IS NULL))),
    CONSTRAINT verdict_audits_judgement_check CHECK ((judgement = ANY (ARRAY['human'::text, 'machine'::text, 'cannot_tell'::text]))),
    CONSTRAINT verdict_audits_unheard_why_check CHECK ((unheard_why = ANY (ARRAY['expired'::text, 'asked'::text, 'erased'::text, 'broken'::text, 'none'::text])))
);

ALTER TABLE ONLY public.attempts ATTACH PARTITION public.attempts_default DEFAULT;

ALTER TABLE ONLY public.alert_deliveries
    ADD CONSTRAINT alert_deliveries_pkey PRIMARY KEY (receiver_id, alert_id, event);

ALTER TABLE ONLY public.alert_receivers
    ADD CONSTRAINT alert_receivers_pkey PRIMARY KEY (receiver_id);

ALTER TABLE ONLY public.alert_rules
    ADD CONSTRAINT alert_rules_pkey PRIMARY KEY (rule_id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (alert_id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_sha256_key UNIQUE (key_sha256);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (shard_key, started_time, attempt_id);

ALTER TABLE ONLY public.attempts_default
    ADD CONSTRAINT attempts_default_pkey PRIMARY KEY (shard_key, started_time, attempt_id);

ALTER TABLE ONLY public.attribution_seals
    ADD CONSTRAINT attribution_seals_pkey PRIMARY KEY (shard_key, dim, day);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (audit_id);

ALTER TABLE ONLY public.call_traces
    ADD CONSTRAINT call_traces_pkey PRIMARY KEY (shard_key, attempt_id);

ALTER TABLE ONLY public.callback_seals
    ADD CONSTRAINT callback_seals_pkey PRIMARY KEY (shard_key, day);

ALTER TABLE ONLY public.campaign_trunks
    ADD CONSTRAINT campaign_trunks_pkey PRIMARY KEY (campaign_id, trunk_id);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (campaign_id);

ALTER TABLE ONLY public.classifier_stops
    ADD CONSTRAINT classifier_stops_pkey PRIMARY KEY (stop_id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (shard_key, contact_id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_shard_key_number_key UNIQUE (shard_key, number);

ALTER TABLE ONLY public.dnc_numbers
    ADD CONSTRAINT dnc_numbers_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.fact_changes
    ADD CONSTRAINT fact_changes_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner, idempotency_key);

ALTER TABLE ONLY public.import_rejections
    ADD CONSTRAINT import_rejections_pkey PRIMARY KEY (shard_key, import_id, line);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (import_id);

ALTER TABLE ONLY public.leads
    ADD CONSTRAINT leads_pkey PRIMARY KEY (shard_key, contact_id);

ALTER TABLE ONLY public.node_runs
    ADD CONSTRAINT node_runs_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.node_state
    ADD CONSTRAINT node_state_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.number_month_seals
    ADD CONSTRAINT number_month_seals_pkey PRIMARY KEY (shard_key, month);

ALTER TABLE ONLY public.number_seals
    ADD CONSTRAINT number_seals_pkey PRIMARY KEY (shard_key, day);

ALTER TABLE ONLY public.numbers
    ADD CONSTRAINT numbers_number_id_key UNIQUE (number_id);

ALTER TABLE ONLY public.numbers
    ADD CONSTRAINT numbers_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (shard_key, attempt_id, change_number, sign);

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_pkey PRIMARY KEY (prompt_id);

ALTER TABLE ONLY public.recording_requests
    ADD CONSTRAINT recording_requests_pkey PRIMARY KEY (shard_key, attempt_id);

ALTER TABLE ONLY public.recordings
    ADD CONSTRAINT recordings_pkey PRIMARY KEY (shard_key, recording_id);

ALTER TABLE ONLY public.report_deliveries
    ADD CONSTRAINT report_deliveries_pkey PRIMARY KEY (schedule_id, due_time);

ALTER TABLE ONLY public.report_schedules
    ADD CONSTRAINT report_schedules_pkey PRIMARY KEY (schedule_id);

ALTER TABLE ONLY public.rollup_checks
    ADD CONSTRAINT rollup_checks_pkey PRIMARY KEY (shard_key, month);

ALTER TABLE ONLY public.rollup_tasks
    ADD CONSTRAINT rollup_tasks_pkey PRIMARY KEY (task);

ALTER TABLE ONLY public.saved_reports
    ADD CONSTRAINT saved_reports_pkey PRIMARY KEY (report_id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_sha256);

ALTER TABLE ONLY public.shards
    ADD CONSTRAINT shards_pkey PRIMARY KEY (shard_key);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (token_sha256);

ALTER TABLE ONLY public.stats_dimensions
    ADD CONSTRAINT stats_dimensions_name_key UNIQUE (name);

ALTER TABLE ONLY public.stats_dimensions
    ADD CONSTRAINT stats_dimensions_pkey PRIMARY KEY (dim);

ALTER TABLE ONLY public.stats
    ADD CONSTRAINT stats_pkey PRIMARY KEY (shard_key, dim, bucket_time, value);

ALTER TABLE ONLY public.trunk_health
    ADD CONSTRAINT trunk_health_pkey PRIMARY KEY (trunk_id, run_id);

ALTER TABLE ONLY public.trunks
    ADD CONSTRAINT trunks_pkey PRIMARY KEY (trunk_id);

ALTER TABLE ONLY public.verdict_audits
    ADD CONSTRAINT verdict_audits_pkey PRIMARY KEY (shard_key, attempt_id);

CREATE INDEX alert_deliveries_alert ON public.alert_deliveries USING btree (alert_id);

CREATE INDEX alert_deliveries_waiting ON public.alert_deliveries USING btree (next_try_time) WHERE (status = 'waiting'::text);

CREATE UNIQUE INDEX alert_rules_own ON public.alert_rules USING btree (metric) WHERE is_own;

CREATE UNIQUE INDEX alerts_open ON public.alerts USING btree (rule_id, subject_kind, subject_id) WHERE (resolved_time IS NULL);

CREATE INDEX attempts_answered ON ONLY public.attempts USING btree (shard_key, contact_id, started_time) WHERE (result = 'answered'::text);

CREATE INDEX attempts_badly_heard ON ONLY public.attempts USING btree (shard_key, started_time, attempt_id) INCLUDE (campaign_id, utc_offset_minutes, trunk_id, media_is_one_way, media_mos_hundredths) WHERE (media_is_one_way OR (media_mos_hundredths < 360));

CREATE INDEX attempts_callbacks ON ONLY public.attempts USING btree (shard_key, started_time) WHERE (disposition = 'callback_requested'::text);

CREATE INDEX attempts_default_shard_key_contact_id_started_time_idx ON public.attempts_default USING btree (shard_key, contact_id, started_time) WHERE (result = 'answered'::text);

CREATE INDEX attempts_open ON ONLY public.attempts USING btree (shard_key, run_id) WHERE (settled_time IS NULL);

CREATE INDEX attempts_default_shard_key_run_id_idx ON public.attempts_default USING btree (shard_key, run_id) WHERE (settled_time IS NULL);

CREATE INDEX attempts_default_shard_key_started_time_attempt_id_campaig_idx1 ON public.attempts_default USING btree (shard_key, started_time, attempt_id) INCLUDE (campaign_id, utc_offset_minutes, trunk_id, media_is_one_way, media_mos_hundredths) WHERE (media_is_one_way OR (media_mos_hundredths < 360));

CREATE INDEX attempts_successes ON ONLY public.attempts USING btree (shard_key, started_time, attempt_id) INCLUDE (campaign_id, utc_offset_minutes, source, ad, keyword) WHERE (disposition = ANY (ARRAY['order'::text, 'meeting'::text, 'offer_requested'::text]));

CREATE INDEX attempts_default_shard_key_started_time_attempt_id_campaign_idx ON public.attempts_default USING btree (shard_key, started_time, attempt_id) INCLUDE (campaign_id, utc_offset_minutes, source, ad, keyword) WHERE (disposition = ANY (ARRAY['order'::text, 'meeting'::text, 'offer_requested'::text]));

CREATE INDEX attempts_judged ON ONLY public.attempts USING btree (shard_key, started_time, attempt_id) WHERE (audit_judgement IS NOT NULL);

CREATE INDEX attempts_default_shard_key_started_time_attempt_id_idx ON public.attempts_default USING btree (shard_key, started_time, attempt_id) WHERE (audit_judgement IS NOT NULL);

CREATE INDEX attempts_default_shard_key_started_time_idx ON public.attempts_default USING btree (shard_key, started_time) WHERE (disposition = 'callback_requested'::text);

CREATE INDEX attempts_started_brin ON ONLY public.attempts USING brin (started_time);

CREATE INDEX attempts_default_started_time_idx ON public.attempts_default USING brin (started_time);

CREATE INDEX audit_log_subject ON public.audit_log USING btree (subject_kind, subject_id, audit_id);

CREATE INDEX campaign_trunks_trunk ON public.campaign_trunks USING btree (trunk_id);

CREATE UNIQUE INDEX classifier_stops_open ON public.classifier_stops USING btree (campaign_id) WHERE (resumed_time IS NULL);

CREATE INDEX imports_campaign ON public.imports USING btree (campaign_id, import_id);

CREATE INDEX leads_due ON public.leads USING btree (shard_key, due_time);

CREATE UNIQUE INDEX node_runs_id_node ON public.node_runs USING btree (id_node) WHERE (ended_time IS NULL);

CREATE INDEX recordings_attempt ON public.recordings USING btree (shard_key, attempt_id);

CREATE INDEX recordings_contact ON public.recordings USING btree (shard_key, contact_id);

CREATE INDEX recordings_damaged ON public.recordings USING btree (shard_key, started_time) WHERE (cause IS NOT NULL);

CREATE INDEX recordings_kept ON public.recordings USING btree (shard_key, recording_id) WHERE (deleted_time IS NULL);

CREATE INDEX recordings_key ON public.recordings USING btree (shard_key, key_id) WHERE (state = 'ready'::text);

CREATE INDEX recordings_started ON public.recordings USING btree (shard_key, started_time, recording_id);

CREATE INDEX recordings_uncopied ON public.recordings USING btree (shard_key, started_time) WHERE ((deleted_time IS NULL) AND (state = 'ready'::text) AND (copy_state IS DISTINCT FROM 'copied'::text));

CREATE INDEX recordings_writing ON public.recordings USING btree (shard_key, node_name) WHERE (state = 'writing'::text);

CREATE INDEX report_deliveries_waiting ON public.report_deliveries USING btree (next_try_time) WHERE (status = 'waiting'::text);

CREATE INDEX report_schedules_due ON public.report_schedules USING btree (next_time) WHERE is_active;

CREATE UNIQUE INDEX trunks_name ON public.trunks USING btree (name) WHERE (deleted_time IS NULL);

CREATE INDEX verdict_audits_unheard ON public.verdict_audits USING btree (shard_key, started_time) WHERE (unheard_why IS NOT NULL);

CREATE INDEX verdict_audits_waiting ON public.verdict_audits USING btree (shard_key, attempt_id) WHERE ((judgement IS NULL) AND (unheard_why IS NULL));

ALTER INDEX public.attempts_pkey ATTACH PARTITION public.attempts_default_pkey;

ALTER INDEX public.attempts_answered ATTACH PARTITION public.attempts_default_shard_key_contact_id_started_time_idx;

ALTER INDEX public.attempts_open ATTACH PARTITION public.attempts_default_shard_key_run_id_idx;

ALTER INDEX public.attempts_badly_heard ATTACH PARTITION public.attempts_default_shard_key_started_time_attempt_id_campaig_idx1;

ALTER INDEX public.attempts_successes ATTACH PARTITION public.attempts_default_shard_key_started_time_attempt_id_campaign_idx;

ALTER INDEX public.attempts_judged ATTACH PARTITION public.attempts_default_shard_key_started_time_attempt_id_idx;

ALTER INDEX public.attempts_callbacks ATTACH PARTITION public.attempts_default_shard_key_started_time_idx;

ALTER INDEX public.attempts_started_brin ATTACH PARTITION public.attempts_default_started_time_idx;

ALTER TABLE ONLY public.alert_deliveries
    ADD CONSTRAINT alert_deliveries_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alerts(alert_id);

ALTER TABLE ONLY public.alert_deliveries
    ADD CONSTRAINT alert_deliveries_receiver_id_fkey FOREIGN KEY (receiver_id) REFERENCES public.alert_receivers(receiver_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_receivers
    ADD CONSTRAINT alert_receivers_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES public.alert_rules(rule_id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES public.alert_rules(rule_id);

ALTER TABLE ONLY public.campaign_trunks
    ADD CONSTRAINT campaign_trunks_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaigns(campaign_id);

ALTER TABLE ONLY public.campaign_trunks
    ADD CONSTRAINT campaign_trunks_trunk_id_fkey FOREIGN KEY (trunk_id) REFERENCES public.trunks(trunk_id);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_prompt_id_fkey FOREIGN KEY (prompt_id) REFERENCES public.prompts(prompt_id);

ALTER TABLE ONLY public.classifier_stops
    ADD CONSTRAINT classifier_stops_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaigns(campaign_id);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaigns(campaign_id);

ALTER TABLE ONLY public.report_deliveries
    ADD CONSTRAINT report_deliveries_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES public.report_schedules(schedule_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.report_schedules
    ADD CONSTRAINT report_schedules_report_id_fkey FOREIGN KEY (report_id) REFERENCES public.saved_reports(report_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.trunk_health
    ADD CONSTRAINT trunk_health_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.node_runs(run_id);

ALTER TABLE ONLY public.trunk_health
    ADD CONSTRAINT trunk_health_trunk_id_fkey FOREIGN KEY (trunk_id) REFERENCES public.trunks(trunk_id);
