CREATE OR REPLACE FUNCTION search_internal.number_parts(word text)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    rest text := word;
    parts text[] := '{}';
    cue record;
BEGIN
    WHILE rest <> '' LOOP
        SELECT m.key, m.value INTO cue
          FROM search.meaning m
         WHERE m.key = ANY (ARRAY(SELECT left(rest, size) FROM generate_series(2, least(length(rest), 30)) AS size))
           AND m.kind = 'cue' AND m.value ~ '^((number|times)_\d+|and)$'
         ORDER BY length(m.key) DESC, m.value DESC
         LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        rest := substr(rest, length(cue.key) + 1);
        IF cue.value <> 'and' THEN
            parts := parts || cue.value;
        END IF;
    END LOOP;
    RETURN parts;
END
$$;

COMMENT ON FUNCTION search_internal.number_parts(text) IS
    'The cues for numbers that a folded word such as "tausendfunfhundert" consists of; NULL if it is no number.';
