CREATE OR REPLACE FUNCTION search_internal.is_known(word text)
RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning -- hides the notice about stop words
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM search.vocabulary v WHERE v.word = is_known.word)
        OR EXISTS (SELECT FROM search.meaning m
                    WHERE m.key IN (is_known.word, public.singular(is_known.word)))
        OR EXISTS (SELECT FROM search.vocabulary v
                    WHERE v.lexeme = ANY (search_internal.stems(is_known.word, public.search_languages())));
END
$$;

COMMENT ON FUNCTION search_internal.is_known(text) IS
    'Whether the catalogue or its synonyms have a folded word.';
