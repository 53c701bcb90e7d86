-- Reads the items of the query from left to right. Cues change the state; other items become parts.
CREATE OR REPLACE FUNCTION search.understand(query text)
RETURNS SETOF search.understood
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    typed text := normalize(query, NFC);
    items search.query_item[] := search.query_items(query);
    item search.query_item;
    after search.query_item;
    part search.understood;
    last_part search.understood;
    parts search.understood[] := '{}';
    place integer := 0;
    cue text;
    start integer;               -- of the cues since the last part, which belong to the next part
    negation text := '';         -- next: the next part is unwanted; list: all parts up to a comma
    continues boolean := false;  -- whether "or", "and" or a comma came last
    limited text := '';          -- under, over, between or around, until its numbers have come
    low numeric;
    high numeric;
BEGIN
    WHILE place < cardinality(items) LOOP
        place := place + 1;
        item := items[place];
        after := items[place + 1];
        last_part := parts[cardinality(parts)];
        cue := CASE WHEN item.kind = 'cue' THEN item.value ELSE '' END;
        part := NULL;
        IF cue = 'filler' THEN
            CONTINUE;
        ELSIF cue <> '' THEN
            start := coalesce(start, item.start);
        END IF;
        IF cue IN ('not', 'but_not') THEN
            negation := CASE cue WHEN 'not' THEN 'next' ELSE 'list' END;
        ELSIF cue IN ('or', 'and', 'comma') THEN
            negation := CASE WHEN cue = 'comma' AND negation = 'list' THEN '' ELSE negation END;
            continues := true;
            CONTINUE;
        ELSIF cue = 'for' THEN
            negation := CASE WHEN negation = 'list' AND NOT last_part.wanted THEN '' ELSE negation END;
        ELSIF cue IN ('under', 'over', 'between', 'around', 'currency') THEN
            IF after.kind = 'number' OR after.kind = 'cue' AND after.value = 'currency' THEN
                limited := CASE WHEN cue = 'currency' THEN coalesce(nullif(limited, ''), 'under')
                                WHEN negation = 'next' AND cue = 'under' THEN 'over'
                                WHEN negation = 'next' AND cue = 'over' THEN 'under'
                                ELSE cue END;
                negation := '';
            END IF;
        ELSIF cue IN ('cheap', 'expensive') THEN
            part := ROW(NULL, NULL, NULL, item.stop, cue, cue, negation = '', 'price', '{}', '{}', '{}', NULL, NULL, '');
        ELSIF cue = 'size' THEN
            IF after.kind IN ('number', 'word', 'size') THEN
                place := place + 1;
                part := search.size_part(substr(typed, after.start + 1, after.stop - after.start));
                part.stop := after.stop;
            END IF;
        ELSIF item.kind = 'number' AND after.kind = 'cue' AND after.value = 'year_old' THEN
            place := place + 1;
            part := search.age_part(item.number, substr(typed, after.start + 1, after.stop - after.start));
            part.stop := after.stop;
        ELSIF item.kind = 'number' AND item.number IS NOT NULL AND NOT item.excluded AND (
                  limited <> ''
                  OR after.kind = 'cue' AND after.value IN ('currency', 'under_after', 'over_after')
                  OR after.kind = 'cue' AND after.value = 'range' AND items[place + 2].kind = 'number'
                     AND least(item.number, items[place + 2].number) >= 100) THEN
            start := coalesce(start, item.start);
            IF after.kind = 'cue' AND after.value = 'currency' THEN
                item.stop := after.stop;
                place := place + 1;
                after := items[place + 1];
            END IF;
            IF after.kind = 'cue' AND after.value IN ('under_after', 'over_after') THEN
                limited := split_part(after.value, '_', 1);
                item.stop := after.stop;
                place := place + 1;
            ELSIF low IS NULL AND limited IN ('', 'between') AND after.kind = 'cue'
                  AND (after.value = 'range' OR after.value IN ('and', 'comma') AND limited = 'between') THEN
                limited := 'between';
                low := item.number;
                place := place + 1;
                CONTINUE;
            END IF;
            IF limited = 'around' THEN
                low := 0.8 * item.number;
                high := 1.2 * item.number;
            ELSIF limited = 'between' AND low IS NOT NULL THEN
                high := greatest(low, item.number);
                low := least(low, item.number);
            ELSE
                high := CASE WHEN limited IN ('over', 'between') THEN NULL ELSE item.number END;
                low := CASE WHEN limited IN ('over', 'between') THEN item.number END;
            END IF;
            part := ROW(NULL, NULL, NULL, item.stop, 'price', concat_ws(' to ', low, high), true, 'price',
                        '{}', '{}', '{}', low, high, '');
            limited := '';
            low := NULL;
        ELSIF item.number BETWEEN 2000 AND 2099 AND NOT EXISTS (
                  SELECT FROM search.vocabulary v WHERE v.word = item.number::text) THEN
            CONTINUE; -- a year, as in "best sandals 2026"
        ELSIF cue = '' THEN
            -- "not black or brown": the second colour is unwanted too
            IF continues AND negation = '' AND NOT last_part.wanted AND last_part.kind = item.kind
               AND item.kind NOT IN ('word', 'number') THEN
                negation := 'next';
            ELSIF negation = 'list' AND NOT last_part.wanted AND item.kind = 'person' AND last_part.kind <> 'person' THEN
                negation := '';  -- "without laces for men"
            END IF;
            part := ROW(NULL, NULL, NULL, item.stop, item.kind, item.value, negation = '' AND NOT item.excluded,
                        CASE WHEN item.excluded THEN 'excluded' WHEN negation <> '' THEN 'unwanted'
                             WHEN item.is_name THEN 'name'
                             WHEN item.kind IN ('number', 'quoted')
                                  OR item.value = substr(typed, item.start + 1, item.stop - item.start) THEN 'words'
                             ELSE 'synonym' END,
                        item.keys, item.accepted, item.close, NULL, NULL, item.value);
            IF item.is_name OR NOT part.wanted THEN
                part.words := btrim(substr(typed, item.start + 1, item.stop - item.start), '"');
            END IF;
        END IF;
        continues := false;
        CONTINUE WHEN part.kind IS NULL;
        part.place := place;
        part.start := coalesce(start, item.start) - item.excluded::integer;
        part.phrase := substr(typed, part.start + 1, part.stop - part.start);
        IF item.excluded AND last_part.why = 'excluded' AND part.start = last_part.stop THEN
            -- "-wi-fi" excludes the compound, not its parts
            last_part.stop := part.stop;
            last_part.phrase := last_part.phrase || part.phrase;
            last_part.words := last_part.words || ' ' || part.words;
            parts[cardinality(parts)] := last_part;
        ELSE
            parts := parts || part;
        END IF;
        start := NULL;
        negation := CASE negation WHEN 'list' THEN 'list' ELSE '' END;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(parts);
END
$$;

COMMENT ON FUNCTION search.understand(text) IS
    'What a query asks for, one row for each part: '
    'SELECT kind, value, wanted, why FROM search.understand(''red sneakers for boys under 60'')';
