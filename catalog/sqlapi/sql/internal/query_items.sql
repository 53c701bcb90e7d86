-- Divides the query into spans with a meaning, the longest first, and the words between them.
CREATE OR REPLACE FUNCTION search_internal.query_items(query text)
RETURNS search_internal.query_item[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    tokens text[];
    token text;
    start integer := 0;
    separators text[];
    words text[];
    numbers numeric[];
    exclusions boolean[];
    offsets integer[];
    breaks boolean[];            -- whether no phrase continues with the token
    count_of integer;
    owners integer[];
    is_currency boolean[];
    spans search_internal.query_item[];
    starts integer[];
    items search_internal.query_item[] := '{}';
    span record;
    quoted boolean;
    sign text;
BEGIN
    query := left(normalize(query, NFKC), 2000);
    IF query ~ '^[[:alpha:]]+( [[:alpha:]]+){0,63}$' THEN -- as most queries
        tokens := string_to_array(query, ' ');
        count_of := cardinality(tokens);
        separators := array_fill(' '::text, ARRAY[count_of]);
        exclusions := array_fill(false, ARRAY[count_of]);
        breaks := exclusions;
        FOREACH token IN ARRAY tokens LOOP
            words := words || replace(public.fold_text(token), '''', '');
            offsets := offsets || start;
            start := start + length(token) + 1;
        END LOOP;
    ELSE
        SELECT array_agg(t.token ORDER BY t.place), array_agg(t.separator ORDER BY t.place),
               array_agg(t.word ORDER BY t.place), array_agg(t.number ORDER BY t.place),
               array_agg(t.excluded ORDER BY t.place), array_agg(t.start ORDER BY t.place),
               -- "red. Blue", "red | blue", "red/blue"; but "Mr. Men" and "w/o"
               array_agg(t.separator ~ '[|!?:]|\.\.' OR t.separator ~ '\.\s' AND length(t.before) > 3
                         OR t.separator ~ '/' AND least(length(t.before), length(t.word)) > 2
                            AND t.before || t.word !~ '\d' ORDER BY t.place), count(*)
          INTO tokens, separators, words, numbers, exclusions, offsets, breaks, count_of
          FROM (SELECT *, lag(word) OVER (ORDER BY place) AS before FROM search_internal.query_tokens(query)) AS t;
    END IF;
    IF count_of = 0 THEN
        RETURN items;
    END IF;
    owners := array_fill(0, ARRAY[count_of]);
    FOR span IN SELECT * FROM search_internal.query_spans(words) LOOP
        -- Expressions without subqueries are much faster, so they come first.
        CONTINUE WHEN span.split IS DISTINCT FROM 2 AND 0 <> ANY (owners[span.first:span.last])
                   OR span.split = 2 AND owners[span.first] = 0
                   OR span.first = span.last AND numbers[span.first] IS NOT NULL AND span.kind <> 'cue'
                   OR true = ANY (exclusions[span.first + 1:span.last] || breaks[span.first + 1:span.last])
                   OR span.first = span.last AND length(tokens[span.first]) = 1
                      AND length(words[span.first]) > 1 -- "ß" is no "ss"
                   OR span.kind = 'cue' AND exclusions[span.first]
                   OR span.kind = 'cue' AND span.first < span.last AND words[span.last] = 's'; -- "size S"
        IF span.first < span.last AND span.kind <> 'cue' THEN
            -- "M or L" is not the Turkish word "mor"
            CONTINUE WHEN NOT span.is_name
                      AND 1 = ANY (ARRAY(SELECT length(w) FROM unnest(words[span.first:span.last]) AS w))
                      AND EXISTS (SELECT FROM search.meaning m
                                   WHERE m.key = ANY (words[span.first:span.last]) AND length(m.key) > 1 AND m.kind = 'cue'
                                     AND m.value IN ('or', 'and', 'not', 'but_not', 'for', 'under', 'over'));
            -- "shoes without heels" is a negation where no product is flat
            IF span.kind = 'type' AND cardinality(span.keys || span.accepted) = 0 THEN
                CONTINUE WHEN EXISTS (SELECT FROM search.meaning m
                                       WHERE m.key = ANY (words[span.first:span.last]) AND m.kind = 'cue'
                                         AND m.value IN ('not', 'but_not'));
            -- "non leather" and "leather-free" are a negation where no product is called "faux leather" or "vegan"
            ELSIF cardinality(span.keys || span.accepted || span.close) = 0 THEN
                CONTINUE WHEN (words[span.last] ~ '^(free|frei|vrij)$' AND span.last = span.first + 1
                               OR EXISTS (SELECT FROM search.meaning m
                                           WHERE m.key = words[span.first] AND m.kind = 'cue'
                                             AND m.value IN ('not', 'but_not')))
                          AND EXISTS (SELECT FROM regexp_split_to_table(public.fold_text(span.value), '[^[:alnum:]]+') AS w
                                       WHERE w <> ''
                                         AND NOT EXISTS (SELECT FROM search.vocabulary v WHERE v.word = w));
            END IF;
        END IF;
        spans := spans || ROW(span.kind, span.value, offsets[span.first],
                              offsets[span.last] + length(tokens[span.last]), NULL, exclusions[span.first],
                              span.is_name, span.keys, span.accepted, span.close,
                              span.is_foreign, span.is_stray AND span.split IS NULL)::search_internal.query_item;
        starts := starts || span.first;
        FOR place IN span.first..span.last LOOP
            owners[place] := cardinality(spans);
        END LOOP;
    END LOOP;
    FOR place IN 1..count_of LOOP
        is_currency := is_currency || (tokens[place] IN ('$', '€', '£', '¥', '₹', '₹⁻')
                                       OR spans[owners[place]].value = 'currency');
    END LOOP;
    FOR place IN 1..count_of LOOP
        IF separators[place] IN ('', ' ') THEN
            sign := NULL;
        ELSIF separators[place] ~ '^\s*([-~]|\.\.+)\s*$'
           -- "20-30", "20€-30€", "$20-$30", "20~30", "20..30"
           AND (numbers[place - 1] IS NOT NULL OR is_currency[place - 1] AND numbers[place - 2] IS NOT NULL)
           AND (numbers[place] IS NOT NULL OR is_currency[place] AND numbers[place + 1] IS NOT NULL) THEN
            sign := 'range';
        ELSIF separators[place] ~ '[~≈]\s*$' AND (numbers[place] IS NOT NULL OR is_currency[place]) THEN
            sign := 'around';
        ELSIF separators[place] ~ '^\s*[/&+]\s*$' AND place > 1
              AND (owners[place] = 0 OR owners[place] <> owners[place - 1])
              AND tokens[place] ~ '[[:alnum:]]' AND tokens[place - 1] ~ '[[:alnum:]]'
              AND numbers[place] IS NULL AND numbers[place - 1] IS NULL THEN
            sign := CASE WHEN separators[place] ~ '/' THEN 'or' ELSE 'and' END; -- "black/brown"
        ELSE
            sign := NULL;
        END IF;
        IF sign IS NOT NULL THEN
            items := items || ROW('cue', sign, offsets[place] - 1, offsets[place], NULL, false, false,
                                  '{}', '{}', '{}', false, false)::search_internal.query_item;
        END IF;
        IF owners[place] > 0 THEN
            FOR number IN 1..cardinality(spans) LOOP
                CONTINUE WHEN starts[number] <> place;
                items := items || spans[number];
            END LOOP;
            CONTINUE;
        END IF;
        quoted := left(tokens[place], 1) = '"' AND tokens[place] ~ '^".*[[:alnum:]].*"$';
        sign := CASE WHEN tokens[place] IN ('<', '<=', '≤') THEN 'under'
                     WHEN tokens[place] IN ('>', '>=', '≥') THEN 'over'
                     WHEN tokens[place] IN ('$', '€', '£', '¥', '₹', '₹⁻') THEN 'currency'
                     WHEN tokens[place] = '⁺' THEN 'over_after'
                     WHEN tokens[place] IN (',', ';') THEN 'comma' END;
        CONTINUE WHEN sign IS NULL AND NOT quoted AND tokens[place] !~ '[[:alnum:]]';
        items := items || ROW(
            CASE WHEN sign IS NOT NULL THEN 'cue' WHEN quoted THEN 'quoted'
                 WHEN numbers[place] IS NOT NULL THEN 'number' ELSE 'word' END,
            CASE WHEN quoted THEN btrim(tokens[place], '"') ELSE coalesce(sign, tokens[place]) END,
            offsets[place], offsets[place] + length(tokens[place]), numbers[place], exclusions[place], false,
            '{}', '{}', '{}', false, false)::search_internal.query_item;
    END LOOP;
    RETURN items;
END
$$;

COMMENT ON FUNCTION search_internal.query_items(text) IS
    'The parts of a query in order, for search.understand.';
