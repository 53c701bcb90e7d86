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
    forbidden regprocedure;
    writer regrole;
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        FOR forbidden IN SELECT oid FROM pg_proc
                          WHERE pronamespace = 'pg_catalog'::regnamespace
                            AND (proname IN ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lowrite',
                                             'lo_truncate', 'lo_truncate64', 'pg_logical_emit_message')
                                 OR proname ~ '^pg_(try_)?advisory_(xact_)?lock')
                            AND has_function_privilege('public', oid, 'EXECUTE')
        LOOP
            FOR writer IN SELECT oid FROM pg_roles
                           WHERE has_table_privilege(oid, 'public.product', 'INSERT') AND NOT rolsuper
                             AND NOT starts_with(rolname, 'pg_')
            LOOP
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', forbidden, writer);
            END LOOP;
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', forbidden);
        END LOOP;
    END IF;
END
$$;

-- Everybody may create temporary tables, whose size PostgreSQL does not limit. Who writes products needs them, and so
-- does the owner, who keeps the right.
DO $$
DECLARE
    writer regrole;
BEGIN
    IF EXISTS (SELECT FROM pg_database AS d, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS granted
                WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE')
                  AND granted.grantee = 0 AND granted.privilege_type = 'TEMPORARY')
       AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        FOR writer IN SELECT oid FROM pg_roles
                       WHERE has_table_privilege(oid, 'public.product', 'INSERT') AND NOT rolsuper
                         AND NOT starts_with(rolname, 'pg_')
        LOOP
            EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %s', current_database(), writer);
        END LOOP;
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') THEN
        GRANT USAGE ON SCHEMA search, search_internal TO analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA search TO analyst;
        GRANT EXECUTE ON ALL ROUTINES IN SCHEMA search, search_internal TO analyst;
    END IF;
    REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA search, search_internal FROM PUBLIC;
END
$$;
