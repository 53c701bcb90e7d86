-- Everything that neighbouring words can mean, and the parts of compounds that nothing else explains.
CREATE OR REPLACE FUNCTION search_internal.query_spans(words text[])
RETURNS TABLE (first integer, last integer, kind text, value text, is_name boolean,
               keys text[], accepted text[], close text[], is_foreign boolean, is_stray boolean, split integer)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
BEGIN ATOMIC
WITH word AS (
    SELECT place::integer AS place, word, public.singular(word) AS stem
      FROM unnest(words) WITH ORDINALITY AS w (word, place)
     WHERE word ~ '^[[:alnum:]]'
),
span AS (
    SELECT first.place AS first, last.place AS last, NULL::integer AS split,
           (SELECT ARRAY[string_agg(word, '' ORDER BY place), string_agg(stem, '' ORDER BY place),
                         public.singular(string_agg(word, '' ORDER BY place))]
              FROM word WHERE place BETWEEN first.place AND last.place) AS spellings,
           (SELECT count(*) FROM word WHERE place BETWEEN first.place AND last.place) AS length
      FROM word AS first
           JOIN word AS last ON last.place BETWEEN first.place AND first.place + 4
),
found AS MATERIALIZED (
    SELECT s.first, s.last, s.split, m.*, m.key = s.spellings[1] AS is_typed
      FROM span s
           JOIN search.meaning m
             ON m.key = ANY (s.spellings) AND (m.kind <> 'cue' OR m.key = s.spellings[1])
     WHERE s.length = s.last - s.first + 1
),
main AS MATERIALIZED ( -- once, not for each meaning
    SELECT coalesce((search_internal.language_codes())[1], 'en') AS language
),
-- The language that most words have alone, else that of the catalogue.
spoken AS MATERIALIZED (
    SELECT coalesce((SELECT language
                       FROM (SELECT language, words, words::float8 / count(*) OVER (PARTITION BY first, last) AS votes
                               FROM (SELECT first, last, coalesce(nullif(spoken, ''), main.language) AS language,
                                            -- short cues only break ties; "or" is rather a cue than gold
                                            CASE WHEN max(length(key)) > 3 OR NOT bool_or(bool_or(kind = 'cue'))
                                                                                 OVER (PARTITION BY first, last)
                                                 THEN last - first + 1 ELSE 0.01 END AS words
                                       FROM found, unnest(languages) AS spoken, main
                                      GROUP BY first, last, coalesce(nullif(spoken, ''), main.language)) AS each) AS voted
                      GROUP BY language
                     HAVING max(words) >= 1
                      ORDER BY sum(votes) DESC, language <> main.language
                      LIMIT 1), main.language) AS language
      FROM main
),
compound AS (
    SELECT w.place AS first, w.place AS last, half.number AS split, half.spellings
      FROM word w
           CROSS JOIN LATERAL (
               SELECT written.first_half, written.second_half
                 FROM generate_series(3, length(w.word) - 3) AS cut,
                      -- the first half of a German or Dutch compound may have a joining ending
                      LATERAL (VALUES (
                          ARRAY[public.singular(left(w.word, cut)),
                                regexp_replace(left(w.word, cut), '(s|en|n|es|er)$', '')],
                          ARRAY[public.singular(substr(w.word, cut + 1))])) AS written (first_half, second_half)
                WHERE length(w.word) BETWEEN 7 AND 40
                  AND NOT EXISTS (SELECT FROM found f WHERE w.place BETWEEN f.first AND f.last)
                  AND EXISTS (SELECT FROM search.meaning m
                               WHERE m.key = ANY (written.second_half) AND m.kind = 'type')
                  AND EXISTS (SELECT FROM search.meaning m
                               WHERE m.key = ANY (written.first_half) AND m.kind <> 'cue')
                ORDER BY cut
                LIMIT 1) AS cutting
           CROSS JOIN LATERAL (VALUES (1, cutting.first_half), (2, cutting.second_half)) AS half (number, spellings)
),
meant AS (
    -- Short cues differ between languages: "no" negates in English, and is a preposition in Portuguese.
    SELECT first, last, split, key, kind, facet, facet_key, value, products, level, languages, is_name, is_typed, is_named
      FROM (SELECT f.*, bool_or(is_name AND kind <> 'brand') OVER (PARTITION BY first, last) AS is_named,
                   bool_or(is_name OR language = ANY (languages)) OVER (PARTITION BY first, last) AS is_spoken
              FROM found f, spoken) AS each, spoken, main
     WHERE spoken.language = ANY (languages) OR is_name OR '' = ANY (languages) AND kind <> 'cue'
        OR NOT is_spoken AND (kind <> 'cue' OR length(key) > 3 OR main.language = ANY (languages))
     UNION ALL
    SELECT c.first, c.last, c.split, m.*, true, false
      FROM compound c JOIN search.meaning m ON m.key = ANY (c.spellings)
     WHERE m.kind <> 'cue'
),
nearest AS (
    SELECT *
      FROM (SELECT *, rank() OVER (PARTITION BY first, last, split, kind, facet_key ORDER BY level) AS distance
              FROM meant) AS each
     WHERE distance = 1 OR facet_key = ''
),
chosen AS (
    SELECT *, first_value(kind) OVER likeliest AS likeliest_kind,
           min(level) OVER (PARTITION BY first, last, split, kind) AS least_level,
           -- "sandals" is rather a type of 84 products than the category above it
           rank() OVER (PARTITION BY first, last, split, kind, level ORDER BY is_name DESC, products) > 1
           AND kind = 'type' AND level = 0 AS is_above
      FROM nearest
    WINDOW likeliest AS (PARTITION BY first, last, split
                             ORDER BY kind = 'word', kind = 'cue' AND NOT is_named DESC, kind = 'cue',
                                      -- chinos and "khakis" are trousers before they are khaki
                                      CASE WHEN kind = 'colour' AND NOT (is_name AND is_typed) THEN greatest(level, 1)
                                           ELSE level END,
                                      is_name AND (is_typed OR kind <> 'colour') DESC,
                                      array_position(
                                          '{type,person,colour,size,material,pattern,brand,occasion,other}', kind))
)
SELECT first, last, kind,
       CASE kind WHEN 'word' THEN min(value) WHEN 'cue' THEN string_agg(DISTINCT value, ' ')
            -- "children" are "Girls or Boys"
            WHEN 'person' THEN string_agg(DISTINCT value, ' or ') FILTER (WHERE level = least_level AND NOT is_above)
            ELSE (array_agg(value ORDER BY level, is_above, is_name DESC, products DESC, value))[1] END,
       coalesce(bool_or(is_name), false),
       coalesce(array_agg(DISTINCT facet_key) FILTER (WHERE level = 0 AND NOT is_above AND facet_key <> ''), '{}'),
       coalesce(array_agg(DISTINCT facet_key) FILTER (WHERE level = 1 OR is_above), '{}'),
       coalesce(array_agg(DISTINCT facet_key) FILTER (WHERE level = 2), '{}'),
       NOT bool_or(is_name OR languages && ARRAY['', (SELECT language FROM main)]),
       NOT bool_or(is_name OR languages && ARRAY['', (SELECT language FROM main), (SELECT language FROM spoken)]),
       split
  FROM chosen
 WHERE kind = likeliest_kind
 GROUP BY first, last, split, kind
 -- "w paski" is striped, although no product is; but "rain boots" are boots where there are none for rain
 ORDER BY kind = 'word' AND split IS NULL
          AND (last = first OR EXISTS (SELECT FROM chosen AS o
                                        WHERE o.first <= chosen.last AND o.last >= chosen.first
                                          AND o.likeliest_kind NOT IN ('word', 'cue'))),
          -- "but without sleeves" is "without sleeves" with a filler before it
          last - first DESC, kind = 'cue' AND last > first, first, split;
END;

COMMENT ON FUNCTION search_internal.query_spans(text[]) IS
    'What neighbouring words of a query can mean, the longest first, for search.understand.';
