-- Walks along the letters of the word, and at each place tries the letters that follow in the vocabulary. So the number
-- of look-ups depends on the length of the word, not on the size of the vocabulary, and any script is possible.
CREATE OR REPLACE FUNCTION search_internal.near_prefix(typed text, unfinished boolean)
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    last_char CONSTANT text := chr(1114111);
BEGIN
    RETURN (
        WITH RECURSIVE place AS (
            SELECT place, left(typed, place) COLLATE "C" AS start, substr(typed, place + 1) AS rest
              FROM generate_series(0, length(typed)) AS place
        ),
        -- the first word with each letter that can follow
        following AS (
            SELECT p.place, p.start, p.rest,
                   (SELECT min(v.word) FROM search.vocabulary v
                     WHERE v.word > p.start AND v.word < (p.start || last_char)) AS word
              FROM place p
             UNION ALL
            SELECT f.place, f.start, f.rest,
                   (SELECT min(v.word) FROM search.vocabulary v
                     WHERE v.word >= (left(f.word, f.place + 1) || last_char) COLLATE "C"
                       AND v.word < (f.start || last_char))
              FROM following f
             WHERE f.word IS NOT NULL
        ),
        variant AS (
            SELECT start || substr(word, place + 1, 1) || edited.rest AS variant
              FROM following, LATERAL (VALUES (rest), (substr(rest, 2))) AS edited (rest)
             WHERE word IS NOT NULL
             UNION
            SELECT start || substr(rest, 2) FROM place WHERE rest <> ''
             UNION
            SELECT start || substr(rest, 2, 1) || left(rest, 1) || substr(rest, 3) FROM place WHERE length(rest) > 1
        )
        SELECT variant
          FROM variant
               JOIN LATERAL (
                   SELECT v.word, v.in_fields
                     FROM search.vocabulary v
                    WHERE v.word >= variant COLLATE "C"
                      AND v.word <= CASE WHEN unfinished THEN variant || last_char ELSE variant END COLLATE "C"
                      AND v.in_fields > 0 AND v.lexeme IS NOT NULL
                    ORDER BY v.in_fields DESC, v.word
                    LIMIT 1) AS known ON true
         ORDER BY known.in_fields
                  * CASE WHEN left(variant, 1) = left(typed, 1) THEN {{first_letter}} ELSE 1 END
                  * CASE WHEN EXISTS (SELECT FROM search.meaning m
                                       WHERE m.key IN (known.word, public.singular(known.word)) AND m.is_name
                                         AND m.kind IN ('type', 'colour', 'person')) THEN {{meaning}} ELSE 1 END DESC,
                  length(variant) DESC, variant
         LIMIT 1);
END
$$;

COMMENT ON FUNCTION search_internal.near_prefix(text, boolean) IS
    'The likeliest known word, or beginning of one if it is unfinished, that is one edit from a folded word.';
