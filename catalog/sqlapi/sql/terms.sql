-- A body in SQL, not a string: its tables are resolved now, regardless of search_path.
CREATE OR REPLACE FUNCTION search.terms(query text, unfinished boolean DEFAULT true)
RETURNS TABLE (term tsquery, title_term tsquery, weight float8, key tsquery, products float8)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning -- hides the notice about stop words
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
-- Few words are looked up, but the planner expects thousands.
SET enable_hashjoin = off
SET enable_mergejoin = off
BEGIN ATOMIC
WITH catalogue AS MATERIALIZED (
    SELECT public.search_languages() AS languages
),
compound AS MATERIALIZED (
    -- Between digits, a slash or comma belongs to the number: 3/4, 9,5.
    SELECT place, public.split_words(written[1]) AS words
      FROM regexp_matches(public.fold_text(left(query, 2000)),
               '[[:alnum:]]+(?:(?:[-''.&_]|(?<=[0-9])[/,](?=[0-9]))[[:alnum:]]+)*', 'g')
           WITH ORDINALITY AS found (written, place)
     WHERE length(written[1]) <= 100 -- the longest lexeme is 2046 bytes
     ORDER BY place
     LIMIT 32
),
-- Numbers keep their units (500 ml), and single letters their word (t shirt, h & m).
glued AS MATERIALIZED (
    SELECT place, words,
           CASE WHEN before ~ '^[0-9 ]+$'
                THEN words IN ('ml', 'cl', 'dl', 'l', 'ltr', 'litre', 'liter', 'g', 'gr', 'kg', 'mg', 'oz', 'lb', 'lbs',
                               'mm', 'cm', 'm', 'km', 'in', 'inch', 'inches', 'ft', 'w', 'kw', 'v', 'mv', 'a', 'mah', 'wh',
                               'kb', 'mb', 'gb', 'tb', 'hz', 'khz', 'mhz', 'ghz', 'mp', 'k', 'p', 'px', 'dpi', 'den', 'ct')
                WHEN length(before) = 1 AND words ~ '^[^0-9 ]+$'
                THEN EXISTS (SELECT FROM search.vocabulary AS known
                              WHERE known.lexeme = ANY (search_internal.stems(before || words, languages)))
                ELSE false END AS is_glued
      FROM (SELECT place, words, lag(words) OVER (ORDER BY place) AS before FROM compound) AS each, catalogue
),
unit AS MATERIALIZED (
    SELECT place, words, is_word, words ~ '^[^0-9]+$' AS has_letters_only,
           is_word AND EXISTS (SELECT FROM search.vocabulary AS known
                                WHERE known.lexeme = ANY (stems) OR known.word = words) AS is_known,
           unfinished AND place = max(place) OVER () AND length(replace(words, ' ', '')) >= 3 AS is_prefix
      FROM (SELECT place, words, words ~ '^[^0-9 ]+$' AS is_word, search_internal.stems(words, languages) AS stems
              FROM (SELECT min(place) AS place, string_agg(words, ' ' ORDER BY place) AS words
                      FROM (SELECT place, words,
                                   count(*) FILTER (WHERE is_glued IS NOT TRUE) OVER (ORDER BY place) AS unit
                              FROM glued) AS numbered
                     GROUP BY unit) AS whole, catalogue
            OFFSET 0) AS stemmed
),
spelling AS MATERIALIZED (
    SELECT place, words AS spelling, is_prefix FROM unit
     UNION
    SELECT place, replace(words, ' ', ''), is_prefix FROM unit WHERE has_letters_only AND NOT is_word
     UNION
    SELECT place, search_internal.other_number(words, languages), false FROM unit, catalogue WHERE is_word
     UNION
    -- neighbours joined, if products have the joined word
    SELECT side.place, pair.joined, false
      FROM (SELECT place, words, lead(place) OVER (ORDER BY place) AS next_place,
                   CASE WHEN is_word AND lead(is_word) OVER (ORDER BY place)
                        THEN words || lead(words) OVER (ORDER BY place) END AS joined
              FROM unit) AS pair,
           catalogue,
           LATERAL (VALUES (pair.place), (pair.next_place)) AS side (place)
     WHERE EXISTS (SELECT FROM search.vocabulary AS known
                    WHERE known.lexeme = ANY (search_internal.stems(joined, languages)))
     UNION
    -- an unknown word split in two known ones
    (SELECT DISTINCT ON (place) place, start.word || ' ' || rest.word, false
       FROM unit
            CROSS JOIN generate_series(2, least(length(words), 30) - 2) AS cut
            JOIN search.vocabulary AS start ON start.word = left(words, cut)
            JOIN search.vocabulary AS rest ON rest.word = substr(words, cut + 1)
      WHERE is_word AND NOT is_known
      ORDER BY place, least(start.products, rest.products) DESC)
),
form AS MATERIALIZED (
    SELECT place, spelling, is_prefix, strpos(spelling, ' ') = 0 AS is_single,
           search_internal.phrase(spelling, languages) AS phrase,
           CASE WHEN is_prefix THEN search_internal.phrase(spelling, languages, true) END AS prefix
      FROM spelling, catalogue
     WHERE spelling IS NOT NULL
),
counted AS MATERIALIZED (
    SELECT place, spelling, min(products) AS products,
           CASE WHEN max(products) > {{entries_per_product}} * min(products)
                THEN (array_agg(word ORDER BY products, word))[1] END AS rare_word
      FROM (SELECT place, spelling, is_prefix, word, search_internal.stems(word, languages) AS stems
              FROM form, catalogue, string_to_table(spelling, ' ') AS part (word)
            OFFSET 0) AS stemmed,
           LATERAL (
               SELECT coalesce(sum(found.products), 0) AS products
                 FROM (SELECT known.word, known.products
                         FROM unnest(stems) AS stem JOIN search.vocabulary AS known ON known.lexeme = stem
                        UNION
                       SELECT known.word, known.products
                         FROM search.vocabulary AS known WHERE known.word = stemmed.word
                        UNION
                       SELECT known.word, known.products
                         FROM search.vocabulary AS known
                        WHERE is_prefix AND known.word >= stemmed.word
                          AND known.word < stemmed.word || chr(1114111)) AS found) AS sums
     GROUP BY place, spelling
),
term AS MATERIALIZED (
    SELECT place, string_agg('(' || phrase::text || ')', ' | ' ORDER BY is_single DESC, phrase)::tsquery AS complete,
           string_agg('(' || coalesce(prefix, phrase)::text || ')', ' | ' ORDER BY is_single DESC, phrase)::tsquery AS term,
           -- Of a phrase with a very frequent word, the index is asked for the rarest word alone.
           string_agg('(' || CASE WHEN rare_word IS NULL THEN coalesce(prefix, phrase)
                                  ELSE search_internal.phrase(rare_word, languages, is_prefix
                                           AND right(spelling, length(rare_word)) = rare_word)
                                  END::text || ')', ' | ')::tsquery AS key,
           coalesce(nullif(sum(products) FILTER (WHERE is_single), 0), max(products), 0) AS products,
           coalesce(sum(products), 0) AS at_most,
           bool_and(is_single AND phrase::text LIKE '%ʷ%') AS is_stop
      FROM form JOIN counted USING (place, spelling), catalogue
     GROUP BY place
)
SELECT term,
       regexp_replace(term::text, '(''(?:[^''\\]|''''|\\\\)*'')(?::(\*))?', '\1:\2AD', 'g')::tsquery,
       ln(1 + (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'product'::regclass)::float8
              / (1 + products)),
       key, at_most::float8
  FROM (SELECT DISTINCT ON (complete) place,
               term, key, products, at_most
          FROM term
         WHERE NOT is_stop OR NOT EXISTS (SELECT FROM term AS other WHERE NOT other.is_stop)
         ORDER BY complete, place DESC) AS once
 ORDER BY place;
END;

COMMENT ON FUNCTION search.terms(text, boolean) IS
    'The words of a query, each as a tsquery of its forms, with its inverse document frequency. At most `products` '
    'products have it; all of them have the `key`, which the index finds in less time.';
