-- A word stays if the catalogue or its synonyms have it, and the last one too if it begins such a word: of a synonym in
-- another language only the whole word counts, since its beginning can be a misspelling ("snee" begins Dutch snow boots).
CREATE OR REPLACE FUNCTION search_internal.typed_words(folded text)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    last_char CONSTANT text := chr(1114111);
    words text[] := (string_to_array(public.split_words(folded), ' '))[:{{max_typed_words}}];
    part text;
    is_last boolean;
BEGIN
    FOR place IN 1 .. cardinality(words) LOOP
        part := words[place];
        is_last := place = cardinality(words);
        IF length(part) NOT BETWEEN {{min_letters}} AND {{max_letters}} OR part ~ '[0-9]'
           OR is_last AND (EXISTS (SELECT FROM search.vocabulary v
                                    WHERE v.word >= part COLLATE "C" AND v.word < (part || last_char) COLLATE "C")
                           OR EXISTS (SELECT FROM search.meaning m
                                       WHERE m.key >= part COLLATE "C" AND m.key < (part || last_char) COLLATE "C"
                                         AND (m.is_name OR m.languages && (SELECT search_internal.language_codes() || ''::text))))
           OR search_internal.is_known(part)
        THEN
            CONTINUE;
        END IF;
        words[place] := coalesce(search_internal.near_prefix(part, is_last), part);
    END LOOP;
    RETURN words;
END
$$;

COMMENT ON FUNCTION search_internal.typed_words(text) IS
    'The words of a folded text that a shopper has typed so far, with their spelling corrected.';
