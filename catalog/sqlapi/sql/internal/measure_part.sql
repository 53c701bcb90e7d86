-- "32 waist" is the value 32 of an attribute "waist"; else the words of a product, or nothing that products tell.
CREATE OR REPLACE FUNCTION search_internal.measure_part(phrase text, about text)
RETURNS search.understood
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
RETURN (
    SELECT CASE WHEN cardinality(found.keys) > 0
                THEN ROW(NULL, NULL, NULL, NULL, found.kind, phrase, true, 'name', found.keys, '{}'::text[], '{}'::text[],
                         NULL, NULL, phrase, false)::search.understood
                WHEN EXISTS (SELECT FROM product p
                              WHERE p.lexemes @@ search_internal.phrase(split_words(fold_text(phrase)),
                                                                        search_languages()))
                THEN ROW(NULL, NULL, NULL, NULL, 'number', phrase, true, 'words', '{}'::text[], '{}'::text[],
                         '{}'::text[], NULL, NULL, phrase, false)::search.understood
                ELSE ROW(NULL, NULL, NULL, NULL, 'measure', phrase, true, 'ignored', '{}'::text[], '{}'::text[],
                         '{}'::text[], NULL, NULL, '', false)::search.understood END
      FROM (SELECT coalesce(array_agg(v.key), '{}') AS keys, min(f.kind) AS kind
              FROM search.facet_value v
                   JOIN facet f ON f.name = v.facet AND phrase_key(about) IN (phrase_key(f.name), phrase_key(f.label))
             WHERE v.phrase_key IN (phrase_key(phrase), phrase_key(substring(phrase, '[\d.,]+')))) AS found);

COMMENT ON FUNCTION search_internal.measure_part(text, text) IS
    'The part of a query that gives a number of something, such as 4 inch or 32 waist; "ignored" if no product tells it.';
