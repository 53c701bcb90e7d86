-- Everything that neighbouring words can mean, and the parts of compounds that nothing else explains.
CREATE OR REPLACE FUNCTION search_internal.query_spans(words text[])
RETURNS TABLE (first integer, last integer, kind text, value text, is_name boolean,
               keys text[], accepted text[], close text[], is_foreign boolean, is_stray boolean, split integer)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    known search_internal.span_meaning[] := coalesce(search_internal.span_meanings(words), '{}');
    halves search_internal.span_meaning[] := search_internal.compound_meanings(words, known);
    main text := coalesce((search_internal.language_codes())[1], 'en');
    spoken text := search_internal.query_language(words, known, main);
    meant search_internal.span_meaning[] := halves;
    one search_internal.span_meaning;
    number integer;
    spoken_spans boolean[] := '{}';
    named_spans boolean[] := '{}';
BEGIN
    FOREACH one IN ARRAY known LOOP
        number := 4 * one.first + one.last;
        spoken_spans[number] := spoken_spans[number] IS TRUE OR one.is_name OR spoken = ANY (one.languages);
        named_spans[number] := named_spans[number] IS TRUE OR one.is_name AND one.kind <> 'brand';
    END LOOP;
    FOREACH one IN ARRAY known LOOP
        number := 4 * one.first + one.last;
        -- Short cues differ between languages: "no" negates in English, and is a preposition in Portuguese.
        IF spoken = ANY (one.languages) OR one.is_name OR '' = ANY (one.languages) AND one.kind <> 'cue'
           OR NOT spoken_spans[number]
              AND (one.kind <> 'cue' OR length(one.key) > 3 OR main = ANY (one.languages)
                   OR one.value IN ('year_old', 'month_old') AND words[one.first - 1] ~ '^\d+$') THEN -- "6 ans", "6 lat"
            one.is_named := named_spans[number];
            meant := meant || one;
        END IF;
    END LOOP;
    IF meant = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
WITH nearest AS (
    SELECT *
      FROM (SELECT *, rank() OVER (PARTITION BY first, last, split, kind, facet_key ORDER BY level) AS distance
              FROM unnest(meant)) AS each
     WHERE distance = 1 OR facet_key = ''
),
chosen AS MATERIALIZED (
    SELECT *, first_value(kind) OVER likeliest AS likeliest_kind,
           min(level) OVER (PARTITION BY first, last, split, kind) AS least_level,
           -- "sandals" is rather a type of 84 products than the category above it
           rank() OVER (PARTITION BY first, last, split, kind, level ORDER BY is_name DESC, products) > 1
           AND kind = 'type' AND level = 0 AS is_above,
           kind = 'word' OR kind <> 'cue' AND bool_and(facet_key = '') OVER (PARTITION BY first, last, split, kind)
           AS is_absent
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
       NOT bool_or(is_name OR languages && ARRAY['', main]),
       NOT bool_or(is_name OR languages && ARRAY['', main, spoken]),
       split
  FROM chosen
 WHERE kind = likeliest_kind
 GROUP BY first, last, split, kind
 -- "w paski" is striped, although no product is; but "rain boots" are boots where there are none for rain, and
 -- "shoe rack" is no shoe
 ORDER BY bool_and(is_absent) AND split IS NULL
          AND (kind = 'word' AND last = first
               OR EXISTS (SELECT FROM chosen AS o
                           WHERE o.first <= chosen.last AND o.last >= chosen.first AND o.facet_key <> ''
                             AND o.kind = o.likeliest_kind
                             AND (chosen.kind = 'word'
                                  OR o.kind = 'type' AND CASE WHEN spoken = ANY ('{fr,es,it,pl,pt}') THEN o.first = chosen.first
                                                              ELSE o.last = chosen.last END))),
          -- "but without sleeves" is "without sleeves" with a filler before it
          last - first DESC, kind = 'cue' AND last > first, first, split;
END
$$;

COMMENT ON FUNCTION search_internal.query_spans(text[]) IS
    'What neighbouring words of a query can mean, the longest first, for search.understand.';
