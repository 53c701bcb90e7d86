-- "not blue jeans" are jeans that are not blue, and "black or blue jeans" are blue too, although "blue jeans" is a phrase
-- for all jeans: such a phrase is its head and what is said about it, if the head alone means all that the phrase means.
CREATE OR REPLACE FUNCTION search_internal.divided_items(typed text, item search_internal.query_item)
RETURNS search_internal.query_item[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    phrase text := substr(typed, item.start + 1, item.stop - item.start);
    pieces text[];
    halves search_internal.query_item[];
    half search_internal.query_item;
    head integer;
BEGIN
    IF phrase !~ '[[:alnum:]][^[:alnum:]]+[[:alnum:]]' THEN
        RETURN NULL;
    END IF;
    -- the head is the last word, in some languages the first
    FOR head IN REVERSE 2..1 LOOP
        pieces := regexp_match(phrase, CASE head WHEN 2 THEN '^(.*[^[:alnum:]])([[:alnum:]]+)$'
                                                 ELSE '^([[:alnum:]]+[^[:alnum:]])(.*)$' END);
        CONTINUE WHEN pieces IS NULL;
        halves := '{}';
        FOR part IN 1..2 LOOP
            half := (search_internal.query_items(pieces[part]))[1];
            EXIT WHEN half.kind IS NULL;
            IF part <> head AND (half.kind = 'cue' OR half.stop < length(rtrim(pieces[part]))) THEN
                half := ROW('word', rtrim(pieces[part]), 0, length(rtrim(pieces[part])), NULL, false, false,
                            '{}', '{}', '{}', false, false);
            END IF;
            half.start := item.start + half.start + CASE part WHEN 2 THEN length(pieces[1]) ELSE 0 END;
            half.stop := item.start + half.stop + CASE part WHEN 2 THEN length(pieces[1]) ELSE 0 END;
            half.excluded := item.excluded AND part <> head;
            halves := halves || half;
        END LOOP;
        IF cardinality(halves) = 2 AND halves[head].kind = item.kind AND halves[head].keys <@ (item.keys || item.accepted)
           AND halves[3 - head].kind NOT IN ('type', 'number')
           AND (item.kind = 'type' AND (head = 2 AND halves[2].is_name OR halves[head].is_foreign)
                OR item.kind <> 'type' AND halves[head].value = item.value) THEN
            RETURN halves;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION search_internal.divided_items(text, search_internal.query_item) IS
    'The head of a phrase after "not" or "or" and what is said about it, such as "blue" and "jeans"; NULL if it has none.';
