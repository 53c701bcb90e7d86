-- Reads the items of the query from left to right. Cues change the state; other items become parts.
CREATE OR REPLACE FUNCTION search.understand(query text)
RETURNS SETOF search.understood
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    items search.query_item[] := search.query_items(query);
    item search.query_item;
    after search.query_item;
    part search.understood;
    parts search.understood[] := '{}';
    place integer := 0;
    cue text;
    negation text := '';         -- next: the next part is unwanted; list: all parts up to a comma
    negated text := '';          -- the cue as typed
    is_first boolean;            -- whether nothing has followed the negation yet
    unwanted_kind text := '';    -- the kind of the last part, if it is unwanted
    continues boolean := false;  -- whether "or", "and" or a comma came last
    limited text := '';          -- under, over, between or around, until its numbers have come
    typed text := '';            -- what was typed of a price that is not complete
    low numeric;
    high numeric;
    swapped numeric;
BEGIN
    WHILE place < cardinality(items) LOOP
        place := place + 1;
        item := items[place];
        after := items[place + 1];
        cue := CASE WHEN item.kind = 'cue' THEN item.value ELSE '' END;
        IF cue IN ('not', 'but_not') THEN
            negation := CASE cue WHEN 'not' THEN 'next' ELSE 'list' END;
            negated := item.phrase;
            is_first := true;
        ELSIF cue IN ('under', 'over', 'between', 'around') THEN
            CONTINUE WHEN NOT (after.kind = 'number' OR after.kind = 'cue' AND after.value = 'currency');
            limited := cue;
            IF negation = 'next' AND cue IN ('under', 'over') THEN
                limited := CASE cue WHEN 'under' THEN 'over' ELSE 'under' END;
                typed := negated;
            END IF;
            negation := '';
            typed := concat_ws(' ', nullif(typed, ''), item.phrase);
        ELSIF cue IN ('cheap', 'expensive') THEN
            parts := parts || ROW(place, item.phrase, cue, cue, negation = '', 'price', '{}', '{}', '{}', NULL, NULL, '')::search.understood;
            negation := '';
        ELSIF cue = 'currency' THEN
            IF limited <> '' OR after.kind = 'number' THEN
                typed := concat_ws(' ', nullif(typed, ''), item.phrase);
                limited := CASE WHEN limited = '' THEN 'under' ELSE limited END;
            END IF;
        ELSIF cue IN ('or', 'and') THEN
            continues := true;
            CONTINUE;
        ELSIF cue = 'comma' THEN
            negation := CASE WHEN negation = 'list' THEN '' ELSE negation END;
            continues := true;
            CONTINUE;
        ELSIF cue = 'for' AND negation = 'list' AND NOT is_first THEN
            negation := '';
        ELSIF cue = 'size' AND (after.kind = 'number' OR after.kind IN ('word', 'size')) THEN
            place := place + 1;
            parts := parts || search.size_part(place, item.phrase || ' ' || after.phrase, after, negation = '');
            negation := '';
        ELSIF item.kind = 'number' AND after.kind = 'cue' AND after.value = 'year_old' THEN
            place := place + 1;
            part := search.age_part(place, item.phrase || ' ' || after.phrase, item.number, after.phrase);
            parts := CASE WHEN part IS NULL THEN parts ELSE parts || part END;
        ELSIF item.kind = 'number' AND item.number IS NOT NULL AND NOT item.excluded AND (
                  limited <> '' OR after.kind = 'cue' AND after.value IN ('currency', 'under_after', 'over_after')
                  OR after.kind = 'cue' AND after.value = 'range' AND items[place + 2].kind = 'number'
                     AND least(item.number, items[place + 2].number) >= 100) THEN
            typed := concat_ws(' ', nullif(typed, ''), item.phrase);
            IF after.kind = 'cue' AND after.value = 'currency' THEN
                typed := typed || ' ' || after.phrase;
                place := place + 1;
                after := items[place + 1];
            END IF;
            IF after.kind = 'cue' AND after.value IN ('under_after', 'over_after') THEN
                limited := split_part(after.value, '_', 1);
                typed := typed || ' ' || after.phrase;
                place := place + 1;
            END IF;
            IF low IS NULL AND (limited = 'between' OR limited = '') AND after.kind = 'cue'
               AND (after.value = 'range' OR limited = 'between' AND after.value IN ('and', 'comma')) THEN
                limited := 'between';
                typed := typed || ' ' || after.phrase;
                low := item.number;
                place := place + 1;
                CONTINUE;
            END IF;
            IF limited = 'between' AND low IS NOT NULL THEN
                high := greatest(low, item.number);
                low := least(low, item.number);
            ELSIF limited IN ('over', 'between') THEN
                low := item.number;
            ELSIF limited = 'around' THEN
                low := round(0.8 * item.number, 2);
                high := round(1.2 * item.number, 2);
            ELSE
                high := item.number;
            END IF;
            parts := parts || ROW(place, typed, 'price', concat_ws(' to ', low, high), true, 'price', '{}', '{}', '{}', low, high, '')::search.understood;
            typed := '';
            limited := '';
            low := NULL;
            high := NULL;
            negation := '';
        ELSIF item.kind <> 'cue' THEN
            -- "not black or brown": the second colour is unwanted too
            IF negation = '' AND continues AND unwanted_kind = item.kind AND item.kind <> 'word' THEN
                negation := 'next';
                negated := parts[cardinality(parts)].phrase;
            END IF;
            part := ROW(place, item.phrase, item.kind, item.value, negation = '' AND NOT item.excluded,
                        CASE WHEN item.kind IN ('word', 'number', 'quoted') AND item.value = item.phrase THEN 'words'
                             WHEN item.is_name THEN 'name' ELSE 'synonym' END,
                        item.keys, item.accepted, item.close, NULL, NULL,
                        CASE WHEN item.is_name THEN item.phrase ELSE item.value END)::search.understood;
            IF NOT part.wanted THEN
                part.phrase := CASE WHEN item.excluded THEN '-' || item.phrase
                                    WHEN is_first THEN negated || ' ' || item.phrase ELSE item.phrase END;
                part.why := CASE WHEN item.excluded THEN 'excluded' ELSE 'unwanted' END;
                part.words := item.phrase;
            END IF;
            parts := parts || part;
            unwanted_kind := CASE WHEN part.wanted THEN '' ELSE item.kind END;
            IF negation <> '' THEN
                is_first := false;
            END IF;
            negation := CASE WHEN negation = 'list' THEN negation ELSE '' END;
        END IF;
        continues := false;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(parts);
END
$$;

COMMENT ON FUNCTION search.understand(text) IS
    'What a query asks for, one row for each part: '
    'SELECT kind, value, wanted, why FROM search.understand(''red sneakers for boys under 60'')';
