CREATE OR REPLACE FUNCTION search_internal.known_share(parts search.understood[])
RETURNS float8
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    words text[] := '{}';
    owners integer[] := '{}';    -- the part of each word
    part search.understood;
    typed text;
    unknown integer := 0;
    stray integer := 0;          -- known words of parts that are stray
BEGIN
    FOR number IN 1..cardinality(parts) LOOP
        part := parts[number];
        CONTINUE WHEN NOT part.wanted OR part.kind IN ('number', 'code'); -- "shirt for 999" is not half unknown
        FOREACH typed IN ARRAY regexp_split_to_array(part.words, '[^[:alnum:]]+') LOOP
            CONTINUE WHEN typed = '';
            words := words || public.fold_text(typed);
            owners := owners || number;
        END LOOP;
    END LOOP;
    IF words = '{}' THEN
        RETURN 1;
    END IF;
    FOR place IN 1..cardinality(words) LOOP
        part := parts[owners[place]];
        IF part.kind IN ('word', 'quoted') AND NOT EXISTS (
               SELECT FROM search.vocabulary v -- "eye shadow" is known where products say eyeshadow
                WHERE v.word = ANY (ARRAY[words[place], words[place - 1] || words[place], words[place] || words[place + 1],
                                          CASE WHEN part.why IN ('synonym', 'translation', 'stray')
                                               THEN public.singular(words[place]) END])) THEN
            unknown := unknown + 1;
        ELSIF part.why = 'stray' THEN
            stray := stray + 1;
        END IF;
    END LOOP;
    -- Beside unknown words, a word of another language is rather one that the lexicon lacks: "to prune apple trees".
    RETURN (cardinality(words) - unknown - CASE WHEN unknown > 0 THEN stray ELSE 0 END)::float8 / cardinality(words);
END
$$;

COMMENT ON FUNCTION search_internal.known_share(search.understood[]) IS
    'The share of the words of a query that the catalogue or a synonym knows, 0 to 1, for search.parse.';
