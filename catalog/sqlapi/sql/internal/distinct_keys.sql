CREATE OR REPLACE FUNCTION search_internal.distinct_keys(keys text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cardinality(keys) < 2 THEN
        RETURN keys;
    END IF;
    RETURN ARRAY(SELECT DISTINCT key FROM unnest(keys) AS key ORDER BY key);
END
$$;

COMMENT ON FUNCTION search_internal.distinct_keys(text[]) IS 'The keys, sorted, each once.';
