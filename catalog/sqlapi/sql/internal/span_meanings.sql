-- What neighbouring words mean, up to five, as written, with each word in the singular, and with the last one.
CREATE OR REPLACE FUNCTION search_internal.span_meanings(words text[])
RETURNS search_internal.span_meaning[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    singulars text[] := '{}';    -- NULL for a sign
    firsts integer[] := '{}';
    lasts integer[] := '{}';
    keys text[] := '{}';
    written boolean[] := '{}';   -- whether the key is what is written
    word text;
    typed text;
    stem text;
    singular text;
    known search_internal.span_meaning[];
BEGIN
    FOREACH word IN ARRAY words LOOP
        singulars := singulars || CASE WHEN word ~ '^[[:alnum:]]' THEN public.singular(word) END;
    END LOOP;
    FOR start IN 1..cardinality(words) LOOP
        typed := '';
        stem := '';
        FOR stop IN start..least(start + 4, cardinality(words)) LOOP
            EXIT WHEN singulars[stop] IS NULL;
            singular := typed || singulars[stop];
            typed := typed || words[stop];
            IF length(words[stop]) < 4 THEN
                singular := public.singular(typed); -- "bra s"
            END IF;
            stem := stem || singulars[stop];
            firsts := firsts || start;
            lasts := lasts || stop;
            keys := keys || typed;
            written := written || true;
            IF stem <> typed THEN
                firsts := firsts || start;
                lasts := lasts || stop;
                keys := keys || stem;
                written := written || false;
            END IF;
            IF singular <> typed AND singular <> stem THEN
                firsts := firsts || start;
                lasts := lasts || stop;
                keys := keys || singular;
                written := written || false;
            END IF;
        END LOOP;
    END LOOP;
    SELECT array_agg(ROW(s.first, s.last, NULL, m.key, m.kind, m.facet_key, m.value, m.products, m.level, m.languages,
                         m.is_name, s.is_written, false)::search_internal.span_meaning)
      INTO known
      FROM unnest(firsts, lasts, keys, written) AS s (first, last, key, is_written)
           JOIN search.meaning m ON m.key = s.key
     WHERE s.is_written OR m.kind <> 'cue';
    RETURN known;
END
$$;

COMMENT ON FUNCTION search_internal.span_meanings(text[]) IS
    'All that neighbouring words of a query can mean, in order of the words, for search_internal.query_spans.';
