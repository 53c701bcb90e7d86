CREATE OR REPLACE FUNCTION search_internal.size_part(size text)
RETURNS search.understood
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
RETURN (
    SELECT ROW(NULL, NULL, NULL, NULL, 'size', size, true,
               CASE WHEN count(v.key) = 0 THEN 'ignored' ELSE 'name' END,
               coalesce(array_agg(v.key) FILTER (WHERE v.key IS NOT NULL), '{}'), '{}'::text[], '{}'::text[],
               NULL, NULL, CASE WHEN count(v.key) = 0 THEN '' ELSE size END, false)::search.understood
      FROM search.facet_value v JOIN facet f ON f.name = v.facet AND f.kind = 'size'
     WHERE v.phrase_key = phrase_key(size));

COMMENT ON FUNCTION search_internal.size_part(text) IS
    'The part of a query that asks for a size; without keys if no product has it.';
