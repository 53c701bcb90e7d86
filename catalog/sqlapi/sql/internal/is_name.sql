-- "air max 90" and "forever 21" are names: products have these words in their title, or "max" follows a plain word.
CREATE OR REPLACE FUNCTION search_internal.is_name(
    typed text, before search_internal.query_item, cue search_internal.query_item, number search_internal.query_item)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    phrase text := substr(typed, cue.start + 1, number.stop - cue.start);
BEGIN
    IF phrase !~ '^[[:alpha:]]{2,4} \d{1,4}$' THEN -- only short cues are also names
        RETURN false;
    END IF;
    RETURN before.kind = 'word' AND NOT before.excluded AND before.stop = cue.start - 1 AND phrase ~* '^(max|min)'
           OR EXISTS (SELECT FROM public.product p WHERE p.lexemes @@ search_internal.title_phrase(phrase));
END
$$;

COMMENT ON FUNCTION search_internal.is_name(text, search_internal.query_item, search_internal.query_item,
                                            search_internal.query_item) IS
    'Whether a cue such as max and the number after it are part of a name, for search.understand.';
