-- The language that most words of a query have alone, else that of the catalogue.
CREATE OR REPLACE FUNCTION search_internal.query_language(
    words text[], known search_internal.span_meaning[], main text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    own text[] := ARRAY['', main];
    seen boolean[] := array_fill(false, ARRAY[5 * cardinality(words)]); -- spans with a meaning
    is_own boolean[] := seen;    -- those with a meaning in the language of the catalogue
    number integer;
    one search_internal.span_meaning;
BEGIN
    FOREACH one IN ARRAY known LOOP
        number := 4 * one.first + one.last - 4;
        seen[number] := true;
        IF one.languages && own AND (one.is_typed OR length(one.key) > 3) THEN
            is_own[number] := true;
        END IF;
    END LOOP;
    IF seen = is_own THEN
        RETURN main; -- no language has more votes
    END IF;
    RETURN coalesce((SELECT language
                       FROM (SELECT language, words, words::float8 / count(*) OVER (PARTITION BY first, last) AS votes
                               FROM (SELECT first, last, coalesce(nullif(spoken, ''), main) AS language,
                                            -- short cues only break ties; "or" is rather a cue than gold
                                            CASE WHEN max(length(key)) > 3 OR NOT bool_or(bool_or(kind = 'cue'))
                                                                                 OVER (PARTITION BY first, last)
                                                 THEN last - first + 1 ELSE 0.01 END AS words
                                       FROM unnest(known), unnest(languages) AS spoken
                                      GROUP BY first, last, coalesce(nullif(spoken, ''), main)) AS each) AS voted
                      GROUP BY language
                     HAVING max(words) >= 1
                      ORDER BY sum(votes) DESC, language <> main,
                               array_position('{en,de,fr,es,it,nl,pl,pt}', language)
                      LIMIT 1), main);
END
$$;

COMMENT ON FUNCTION search_internal.query_language(text[], search_internal.span_meaning[], text) IS
    'The code of the language of a query, by a vote of its words, for search_internal.query_spans.';
