-- The halves of words of at least seven letters, of which the second is a type: "Winterjacke", "denimjacket".
CREATE OR REPLACE FUNCTION search_internal.compound_meanings(words text[], known search_internal.span_meaning[])
RETURNS search_internal.span_meaning[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    is_found boolean[] := array_fill(false, ARRAY[cardinality(words)]);
    one search_internal.span_meaning;
    meanings search_internal.span_meaning[] := '{}';
BEGIN
    FOREACH one IN ARRAY known LOOP
        FOR place IN one.first..one.last LOOP
            is_found[place] := true;
        END LOOP;
    END LOOP;
    FOR place IN 1..cardinality(words) LOOP
        CONTINUE WHEN is_found[place] OR length(words[place]) NOT BETWEEN 7 AND 40 OR words[place] !~ '^[[:alnum:]]';
        meanings := meanings || ARRAY(
            SELECT ROW(place, place, half.number, m.key, m.kind, m.facet_key, m.value, m.products, m.level, m.languages,
                       m.is_name, true, false)::search_internal.span_meaning
              FROM (SELECT written.first_half, written.second_half
                      FROM generate_series(3, length(words[place]) - 3) AS cut,
                           -- the first half of a German or Dutch compound may have a joining ending
                           LATERAL (VALUES (
                               ARRAY[public.singular(left(words[place], cut)),
                                     regexp_replace(left(words[place], cut), '(s|en|n|es|er)$', '')],
                               ARRAY[public.singular(substr(words[place], cut + 1))])) AS written (first_half, second_half)
                     WHERE EXISTS (SELECT FROM search.meaning m
                                    WHERE m.key = ANY (written.second_half) AND m.kind = 'type')
                       AND EXISTS (SELECT FROM search.meaning m
                                    WHERE m.key = ANY (written.first_half) AND m.kind <> 'cue')
                     ORDER BY cut
                     LIMIT 1) AS cutting
                   CROSS JOIN LATERAL (VALUES (1, cutting.first_half), (2, cutting.second_half)) AS half (number, spellings)
                   JOIN search.meaning m ON m.key = ANY (half.spellings)
             WHERE m.kind <> 'cue');
    END LOOP;
    RETURN meanings;
END
$$;

COMMENT ON FUNCTION search_internal.compound_meanings(text[], search_internal.span_meaning[]) IS
    'What the halves of compounds mean that nothing else explains, for search_internal.query_spans.';
