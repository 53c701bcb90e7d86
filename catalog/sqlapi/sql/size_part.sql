CREATE OR REPLACE FUNCTION search.size_part(place integer, phrase text, item search.query_item, wanted boolean)
RETURNS search.understood
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
RETURN (
    SELECT ROW(place, phrase, 'size', item.value, wanted,
               CASE WHEN count(v.key) = 0 THEN 'ignored' ELSE 'name' END,
               coalesce(array_agg(v.key) FILTER (WHERE v.key IS NOT NULL), '{}'), '{}'::text[], '{}'::text[], NULL, NULL,
               CASE WHEN count(v.key) = 0 THEN '' ELSE phrase END)::search.understood
      FROM search.facet_value v JOIN facet f ON f.name = v.facet AND f.kind = 'size'
     WHERE v.phrase_key = phrase_key(item.value));

COMMENT ON FUNCTION search.size_part(integer, text, search.query_item, boolean) IS
    'The part of a query that asks for a size; without keys if no product has it.';
