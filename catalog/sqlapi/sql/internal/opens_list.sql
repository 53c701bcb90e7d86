-- "without heels or laces", where "without heels" has a meaning of its own.
CREATE OR REPLACE FUNCTION search_internal.opens_list(
    part search.understood, is_comma boolean, third search_internal.query_item)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
BEGIN
    IF NOT part.wanted OR strpos(part.phrase, ' ') = 0
       OR is_comma AND (third.kind = 'cue' AND string_to_array(third.value, ' ') && '{or,and}') IS NOT TRUE THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM regexp_split_to_table(public.fold_text(part.phrase), ' ') AS each (cue)
                               JOIN search.meaning m ON m.key = each.cue AND m.kind = 'cue' AND m.value IN ('not', 'but_not'));
END
$$;

COMMENT ON FUNCTION search_internal.opens_list(search.understood, boolean, search_internal.query_item) IS
    'Whether what a comma or "or" joins to a part is unwanted too, by the third item after it, for search.understand.';
