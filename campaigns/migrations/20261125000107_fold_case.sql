-- migrate:up

-- What a text is without regard to case. The embedded server's locale is C, whose lower() knows Latin letters only; PostgreSQL 17
-- brings a collation that knows them all, older servers have the locale that their owner gave them.
DO $do$
BEGIN
    IF EXISTS (SELECT FROM pg_collation WHERE collname = 'pg_c_utf8') THEN
        CREATE FUNCTION fold_case(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS 'SELECT lower(t COLLATE pg_c_utf8)';
    ELSE
        CREATE FUNCTION fold_case(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS 'SELECT lower(t)';
    END IF;
END
$do$;

-- migrate:down

DROP FUNCTION fold_case;
