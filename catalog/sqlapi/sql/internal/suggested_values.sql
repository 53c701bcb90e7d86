CREATE OR REPLACE FUNCTION search_internal.suggested_values(read search_internal.typed_query, max_rows integer)
RETURNS SETOF search.suggestion
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning -- hides the notice about stop words
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    last CONSTANT text := read.words[cardinality(read.words)];
    joined CONSTANT text := array_to_string(read.words, '');
    after CONSTANT text := CASE WHEN read.completed IS NULL THEN chr(1114111) ELSE '' END;
    earlier CONSTANT text[] := ARRAY(
        SELECT word FROM unnest(read.words[:cardinality(read.words) - 1]) WITH ORDINALITY AS w (word, place)
         WHERE search_internal.stems(word, public.search_languages()) <> '{}' -- no stop word
         ORDER BY place);
BEGIN
    RETURN QUERY
    WITH named AS MATERIALIZED (
        SELECT v.key, v.products
          FROM (VALUES (true), (false)) AS wanted (brand),
               LATERAL (SELECT v.key, v.products
                          FROM search.facet_value v JOIN public.facet f ON f.name = v.facet
                         WHERE to_tsvector('pg_catalog.simple', public.split_words(public.fold_text(v.value COLLATE "default")))
                               @@ ('''' || array_to_string(read.words, ''' & ''') || ''':*')::tsquery
                           AND (f.kind = 'brand') = wanted.brand
                         ORDER BY v.products DESC, v.key
                         LIMIT {{max_found}}) AS v
         UNION
        -- "t-shi" begins Tshirts, and "tshi" T-Shirts
        (SELECT m.facet_key, m.products
           FROM search.meaning m
          WHERE length(joined) >= 3 AND m.is_name
            AND m.key >= joined COLLATE "C" AND m.key < (joined || chr(1114111)) COLLATE "C"
          ORDER BY m.products DESC, m.facet_key
          LIMIT {{max_found}})
    ),
    -- "red sne": sneakers among the red products
    within AS MATERIALIZED (
        SELECT key, count(*) AS products
          FROM public.product p, unnest(p.facets) AS key
         WHERE cardinality(read.words) > 1 AND p.id = ANY (read.found)
           AND key ~ ('=(.*[^[:alnum:]])?' || last)
         GROUP BY key
    ),
    -- While a word of the catalogue can be meant, only a complete synonym counts, in a language of the catalogue.
    synonym AS MATERIALIZED (
        SELECT m.facet_key AS key, max(m.products) AS products
          FROM unnest(ARRAY[joined, public.singular(joined)]) AS start
               JOIN search.meaning m ON m.key >= start COLLATE "C" AND m.key <= (start || after) COLLATE "C"
         WHERE length(joined) >= 3 AND m.level = 0 AND m.facet_key <> '' AND NOT m.is_name
           AND (read.completed IS NULL OR m.languages && (SELECT search_internal.language_codes() || ''::text))
         GROUP BY m.facet_key
         ORDER BY 2 DESC, 1
         LIMIT {{max_found}}
    ),
    known AS (
        SELECT v.*, f.kind, f.position, c.source, c.number, words.value AS value_words,
               strpos(words.value, array_to_string(read.words, ' ')) = 1 AS begins
          FROM (SELECT DISTINCT ON (key) key, source, number
                  FROM (SELECT key, 1 AS source, products AS number FROM named
                         UNION ALL
                        SELECT key, 2, products FROM within
                         UNION ALL
                        SELECT key, 3, products FROM synonym) AS each
                 ORDER BY key, source) AS c
               JOIN search.facet_value v ON v.key = c.key
               JOIN public.facet f ON f.name = v.facet,
               LATERAL (SELECT public.split_words(public.fold_text(v.value COLLATE "default"))) AS words (value)
    ),
    once AS (
        SELECT DISTINCT ON (public.phrase_key(value COLLATE "default")) *
          FROM (SELECT *, bool_or(begins) OVER () AS any_begins FROM known) AS each
         WHERE source < 3 OR NOT any_begins
         ORDER BY public.phrase_key(value COLLATE "default"), source, position, facet
    ),
    ranked AS (
        SELECT *, CASE kind WHEN 'brand' THEN 'brand' ELSE 'facet' END AS suggested,
               row_number() OVER (PARTITION BY kind = 'brand'
                                      ORDER BY source, begins DESC,
                                               number * CASE kind WHEN 'type' THEN {{meaning}} ELSE 1 END DESC, key) AS place
          FROM once
    )
    SELECT suggested, concat_ws(' ', nullif(before.words, ''), value), before.words, facet, value, products, '', '',
           read.matched
      FROM ranked,
           LATERAL (SELECT CASE source WHEN 2
                           THEN array_to_string(ARRAY(SELECT word FROM unnest(earlier) AS word
                                                       WHERE ' ' || value_words || ' ' NOT LIKE '% ' || word || ' %'), ' ')
                           ELSE '' END) AS before (words)
     WHERE place <= max_rows
     ORDER BY suggested DESC, place;
END
$$;

COMMENT ON FUNCTION search_internal.suggested_values(search_internal.typed_query, integer) IS
    'Values of facets, then brands, for search.suggest. The words of the query that are no part of the value remain.';
