-- An age in years or months as the group of persons that shops sort by.
CREATE OR REPLACE FUNCTION search_internal.age_part(age numeric, in_months boolean)
RETURNS search.understood
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
RETURN (
    SELECT ROW(NULL, NULL, NULL, NULL, 'person', string_agg(m.value, ' or ' ORDER BY m.value), true, 'age',
               coalesce(array_agg(m.facet_key) FILTER (WHERE m.level = 0), '{}'),
               coalesce(array_agg(m.facet_key) FILTER (WHERE m.level = 1), '{}'),
               coalesce(array_agg(m.facet_key) FILTER (WHERE m.level = 2), '{}'), NULL, NULL, '', false)::search.understood
      FROM search.meaning m
     WHERE m.kind = 'person'
       AND m.key = CASE WHEN in_months OR age < 2 THEN 'babi' WHEN age < 13 THEN 'kid' WHEN age < 18 THEN 'teen'
                        ELSE 'adult' END
    HAVING count(*) > 0);

COMMENT ON FUNCTION search_internal.age_part(numeric, boolean) IS
    'The part of a query that tells an age; NULL if the catalogue does not distinguish ages.';
