CREATE OR REPLACE FUNCTION search_internal.tidy(query text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    words text := btrim(regexp_replace(query, '\s+', ' ', 'g'));
BEGIN
    IF coalesce(words, '') = '' THEN
        RAISE EXCEPTION 'the query is empty' USING ERRCODE = 'invalid_parameter_value';
    ELSIF length(words) > {{max_length}} THEN
        RAISE EXCEPTION 'the query is longer than {{max_length}} characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN words;
END
$$;

COMMENT ON FUNCTION search_internal.tidy(text) IS 'Normalize white space, as for stored queries.';
