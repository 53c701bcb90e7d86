CREATE OR REPLACE FUNCTION search_internal.is_written(phrase text)
RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    token text;
BEGIN
    FOREACH token IN ARRAY regexp_split_to_array(phrase, '[^[:alnum:]]+') LOOP
        CONTINUE WHEN token = '';
        token := public.fold_text(token);
        IF NOT EXISTS (SELECT FROM search.vocabulary v WHERE v.word = token) THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;

COMMENT ON FUNCTION search_internal.is_written(text) IS
    'Whether products have all words of a phrase, as they are written, for search.understand.';
