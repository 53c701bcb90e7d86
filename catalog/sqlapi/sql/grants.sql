-- Roles belong to the cluster, so the role may already exist. A managed service may not allow the shop's user to
-- create roles; then everything else works without the role.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        CREATE ROLE analyst NOLOGIN;
        ALTER ROLE analyst SET statement_timeout = '60s';
        ALTER ROLE analyst SET hnsw.ef_search = 200;
        ALTER ROLE analyst SET hnsw.iterative_scan = 'relaxed_order';
        ALTER ROLE analyst SET hnsw.max_scan_tuples = 50000;
        COMMENT ON ROLE analyst IS
            'Reads the catalogue, its embeddings and the schema search; can request embeddings of words.';
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN RAISE NOTICE 'no role "analyst": this user cannot create roles';
    WHEN duplicate_object OR unique_violation THEN NULL; -- another migration has created it
END
$$;

-- By default, everybody may store large objects of any size, write any amount of messages into the log of changes, and
-- take so many advisory locks that no other session can lock anything. Only a superuser can forbid it. Who writes
-- products needs these locks.
DO $$
DECLARE
    called regprocedure;
    writer regrole;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    FOR called IN SELECT oid FROM pg_proc
                   WHERE pronamespace = 'pg_catalog'::regnamespace
                     AND (proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_truncate',
                                      'lo_truncate64', 'pg_logical_emit_message')
                          OR proname ~ '^pg_(try_)?advisory_(xact_)?lock')
                     AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', called);
    END LOOP;
    FOR called, writer IN SELECT p.oid, r.oid FROM pg_proc AS p, pg_roles AS r
                           WHERE pronamespace = 'pg_catalog'::regnamespace
                             AND proname ~ '^pg_(try_)?advisory_(xact_)?lock'
                             AND has_table_privilege(r.oid, 'public.product', 'INSERT') AND NOT starts_with(rolname, 'pg_')
                             AND NOT has_function_privilege(r.oid, p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', called, writer);
    END LOOP;
END
$$;

-- Everybody may create temporary tables, whose size PostgreSQL does not limit. Who writes products needs them, and so
-- does the owner, who keeps the right.
DO $$
DECLARE
    this name := current_database();
    writer regrole;
BEGIN
    IF NOT (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = this)
       OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        RETURN;
    END IF;
    IF has_database_privilege('public', this, 'TEMPORARY') THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', this);
    END IF;
    FOR writer IN SELECT oid FROM pg_roles
                   WHERE has_table_privilege(oid, 'public.product', 'INSERT') AND NOT starts_with(rolname, 'pg_')
                     AND NOT has_database_privilege(oid, this, 'TEMPORARY')
    LOOP
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %s', this, writer);
    END LOOP;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        GRANT USAGE ON SCHEMA search, search_internal TO analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA search TO analyst;
        GRANT SELECT ON search_internal.concept TO analyst; -- search.parse reads it
        GRANT EXECUTE ON ALL ROUTINES IN SCHEMA search, search_internal TO analyst;
    END IF;
    REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA search, search_internal FROM PUBLIC;
END
$$;
