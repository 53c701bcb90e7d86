CREATE OR REPLACE FUNCTION search_internal.stems(word text, languages regconfig[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stems text[] := '{}';
    language regconfig;
BEGIN
    FOREACH language IN ARRAY languages LOOP
        stems := stems || tsvector_to_array(to_tsvector(language, word));
    END LOOP;
    RETURN stems;
END
$$;

COMMENT ON FUNCTION search_internal.stems(text, regconfig[]) IS
    'The stems of a folded word, in each language in which it is not a stop word.';
