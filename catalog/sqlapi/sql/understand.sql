-- Reads the items of the query from left to right. Cues change the state; other items become parts.
CREATE OR REPLACE FUNCTION search.understand(query text)
RETURNS SETOF search.understood
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    typed text := normalize(query, NFKC);
    items search_internal.query_item[] := search_internal.joined_items(typed, search_internal.query_items(query));
    item search_internal.query_item;
    after search_internal.query_item;
    part search.understood;
    last_part search.understood;
    first_part search.understood;
    parts search.understood[] := '{}';
    place integer := 0;
    cues text[];                 -- what the item can be, such as {under,for}
    next_cues text[];
    has_numbers boolean := false; -- whether the next four can be true at all
    before_number boolean := false; -- whether a number follows, perhaps after a currency
    start integer;               -- of the cues since the last part, which belong to the next part
    negation text := '';         -- next: the next part is unwanted; list: all parts up to a comma
    applied boolean := false;    -- whether the negation has a part already
    continues boolean := false;  -- whether "or", "and" or a comma within a list came last
    conjunction text := '';      -- the last of "or", "and" and commas since the last part
    last_type search.understood; -- the last product type that is wanted
    type_joint text := '';       -- the same since the last product type
    opening integer;             -- the number of the first part after it
    listed integer := 0;         -- how many parts end with the last one, joined by these
    is_price boolean;            -- whether the cue and the number after it are a price, no name such as "air max 90"
    is_range boolean := false;   -- whether the item is the first of two numbers
    is_next_limit boolean := false; -- whether the next item is the limit of the number after it
    refused boolean := false;    -- whether a range or an age is not wanted
    compared text := '';         -- the limit of a measure: under, over, around or between
    least_measure numeric;
    is_measure_range boolean := false; -- "between 2 and 4 inch", "2-4 inch"
    stop integer;                -- of the measure, with its limit
    is_noun boolean := false;    -- whether an unwanted adjective follows the item
    limited text := '';          -- under, over, between, around, at or age, until its number has come
    low numeric;                 -- the first of two numbers
BEGIN
    FOREACH item IN ARRAY items LOOP
        has_numbers := has_numbers OR item.number IS NOT NULL OR item.kind IN ('number', 'measure');
    END LOOP;
    WHILE place < cardinality(items) LOOP
        place := place + 1;
        item := items[place];
        after := items[place + 1];
        last_part := parts[cardinality(parts)];
        cues := CASE WHEN item.kind = 'cue' THEN string_to_array(item.value, ' ') ELSE '{}' END;
        next_cues := CASE WHEN after.kind = 'cue' THEN string_to_array(after.value, ' ') ELSE '{}' END;
        IF has_numbers THEN
            SELECT * INTO before_number, is_range, is_next_limit, is_measure_range
              FROM search_internal.number_ahead(items, place, limited);
        END IF;
        part := NULL;
        IF item.kind = 'cue' AND item.value <> 'comma' THEN
            start := coalesce(start, item.start);
        END IF;
        IF before_number AND item.kind = 'cue' AND substr(typed, item.start + 1, item.stop - item.start) IN ('à', 'À') THEN
            cues := cues || '{at_price}'; -- in a text of few words, its language may not be clear
        END IF;
        IF before_number AND last_part.kind = 'price' AND cues && '{over_after,under_after}' THEN
            -- "under 1000 or over 3000"
            cues := cues || CASE WHEN 'over_after' = ANY (cues) THEN '{over}'::text[] ELSE '{under}' END;
        END IF;
        is_price := before_number AND NOT is_measure_range AND cues && '{under,over,between,around,currency,at_price}'
                    AND NOT (after.kind = 'number' AND search_internal.is_name(typed, items[place - 1], item, after));
        IF after.kind = 'number' AND NOT cues && '{under,over,between,around,currency}' AND items[place + 2].kind = 'cue'
           AND string_to_array(items[place + 2].value, ' ') && '{year_old,month_old}' THEN
            is_price := false; -- "for 5 year olds"
        END IF;
        IF is_price AND 'at_price' = ANY (cues) AND NOT cues && '{under,currency}' AND after.kind = 'number'
           AND (items[place + 2].kind = 'cue'
                AND string_to_array(items[place + 2].value, ' ')
                    && '{range,currency,year_old,month_old,under_after,over_after,around_after}') IS NOT TRUE THEN
            -- "dress for 500" costs up to 500, "tent for 4" is no price
            is_price := after.number >= 20 AND EXISTS (SELECT FROM public.product p WHERE p.price <= after.number);
            limited := CASE WHEN is_price THEN 'at' ELSE '' END;
            negation := CASE WHEN is_price THEN '' ELSE negation END;
            CONTINUE WHEN is_price;
        END IF;
        IF is_price THEN
            limited := search_internal.price_limit(items, place, cues, limited, negation <> '' AND NOT applied);
            refused := refused OR limited IN ('between', 'around') AND negation <> '' AND NOT applied;
            negation := '';
        ELSIF 'age' = ANY (cues) AND after.kind = 'number' AND after.number < 100
              AND items[place + 2].value IS DISTINCT FROM 'currency' THEN
            limited := 'age';
        ELSIF 'size' = ANY (cues) AND (after.kind IN ('number', 'size') OR 'size_system' = ANY (next_cues)
                                       OR after.kind = 'word' AND after.value ~* '^(\d*x{0,4}[sml]|\d+[a-z]+)$')
              OR 'size_system' = ANY (cues) AND after.number < 60 THEN
            IF after.kind = 'cue' AND 'size_system' = ANY (next_cues) THEN
                place := place + 1;
                after := items[place + 1];
            END IF;
            IF after.kind IN ('number', 'word', 'size') THEN
                place := place + 1;
                part := search_internal.size_part(substr(typed, after.start + 1, after.stop - after.start));
                part.stop := after.stop;
                part.wanted := negation = '';
            END IF;
        ELSIF cues && '{under,over,between,around}' AND after.kind = 'measure' THEN
            -- "heels under 3 inch", "not over 3 inch"
            compared := CASE WHEN 'around' = ANY (cues) THEN 'around'
                             WHEN ('under' = ANY (cues)) = (negation = '' OR applied) THEN 'under' ELSE 'over' END;
            negation := '';
        ELSIF is_measure_range THEN
            start := coalesce(start, item.start);
            place := place + (cues && '{between}')::integer;
            least_measure := items[place].number;
            compared := 'between';
            place := place + 1;
            CONTINUE;
        ELSIF 'not_after' = ANY (cues) THEN
            FOR number IN greatest(1, cardinality(parts) - listed + 1)..cardinality(parts) LOOP
                part := parts[number];
                part.wanted := false;
                part.why := 'unwanted';
                IF number = cardinality(parts) THEN
                    part.stop := item.stop;
                    part.phrase := substr(typed, part.start + 1, part.stop - part.start);
                END IF;
                parts[number] := part;
            END LOOP;
            start := NULL;
            CONTINUE;
        ELSIF cues && '{not,but_not}' THEN
            negation := CASE WHEN 'but_not' = ANY (cues) THEN 'list' ELSE 'next' END;
            applied := false;
        ELSIF 'nor' = ANY (cues) THEN
            negation := CASE WHEN NOT last_part.wanted AND negation = '' THEN 'next' ELSE negation END;
        ELSIF cues && '{or,and,comma}' THEN
            conjunction := CASE WHEN 'or' = ANY (cues) THEN 'or' WHEN 'and' = ANY (cues) THEN 'and'
                                ELSE coalesce(nullif(conjunction, ''), 'comma') END;
            opening := CASE WHEN type_joint = '' THEN cardinality(parts) + 1 ELSE opening END;
            type_joint := CASE WHEN last_type.kind IS NULL THEN ''
                               WHEN conjunction = 'comma' THEN coalesce(nullif(type_joint, ''), 'comma')
                               ELSE conjunction END;
            continues := continues OR NOT 'comma' = ANY (cues) OR last_part.wanted IS NOT FALSE
                         OR search_internal.is_listed(items, place + 1, last_part, parts);
            negation := CASE WHEN continues OR NOT applied THEN negation ELSE '' END;
            CONTINUE;
        ELSIF 'for' = ANY (cues) THEN
            negation := CASE WHEN negation = 'list' AND applied AND NOT continues THEN '' ELSE negation END;
        ELSIF cues && '{cheap,expensive}' THEN
            part := ROW(NULL, NULL, NULL, item.stop, CASE WHEN 'cheap' = ANY (cues) THEN 'cheap' ELSE 'expensive' END,
                        substr(typed, item.start + 1, item.stop - item.start), negation = '', 'price',
                        '{}', '{}', '{}', NULL, NULL, '');
        ELSIF cues && '{cheapest,dearest,newest}' THEN
            part := ROW(NULL, NULL, NULL, item.stop, 'sort',
                        CASE WHEN 'cheapest' = ANY (cues) THEN 'price' WHEN 'dearest' = ANY (cues) THEN '-price'
                             ELSE 'newest' END,
                        negation = '', 'sort', '{}', '{}', '{}', NULL, NULL, '');
        ELSIF cues && '{filler,currency,range,at_price,age}' THEN
            start := CASE WHEN start = item.start THEN NULL ELSE start END;
        ELSIF is_range AND string_to_array(items[place + 3].value, ' ') && '{year_old,month_old}' THEN
            start := coalesce(start, item.start);
            place := place + 1;
            CONTINUE; -- of "3-5 years", 5
        ELSIF item.kind = 'number' AND (next_cues && '{year_old,month_old}' OR limited = 'age'
                                        -- "voor mijn dochter van 6", "for my nephew, 12"
                                        OR low IS NULL AND limited IN ('', 'between') AND last_part.kind = 'person'
                                           AND item.number < 18 AND NOT next_cues && '{range,currency}'
                                           AND substr(typed, last_part.stop + 1, item.start - last_part.stop)
                                               ~ '^[ ,.(]*(\w{1,3}[ ]+)?$'
                                           AND last_part.keys || last_part.accepted
                                               && (SELECT a.keys || a.accepted
                                                     FROM search_internal.age_part(item.number, false) AS a)) THEN
            start := coalesce(start, item.start);
            part := search_internal.age_part(item.number, 'month_old' = ANY (next_cues));
            part.stop := item.stop;
            part.low := CASE WHEN 'month_old' = ANY (next_cues) THEN round(item.number / 12, 2) ELSE item.number END;
            IF next_cues && '{year_old,month_old}' THEN
                place := place + 1;
                part.stop := after.stop;
            END IF;
            part.wanted := negation = '' AND NOT refused;
            refused := false;
            limited := '';
        ELSIF item.number IS NOT NULL AND NOT item.excluded AND (
                  limited <> '' OR next_cues && '{currency,under_after,over_after,around_after}'
                  OR is_range AND (items[place + 2].number IS NULL
                                   OR least(item.number, items[place + 2].number) >= 100
                                   OR items[place + 2].value ~* 'k$'
                                   OR 'currency' = ANY (string_to_array(items[place + 3].value, ' ')))) THEN
            start := coalesce(start, item.start);
            IF is_range AND items[place + 2].value ~* 'k$' AND item.number < items[place + 2].number / 1000 THEN
                item.number := item.number * 1000; -- "1-2k"
            END IF;
            IF 'currency' = ANY (next_cues) THEN
                item.stop := after.stop;
                place := place + 1;
                after := items[place + 1];
                next_cues := CASE WHEN after.kind = 'cue' THEN string_to_array(after.value, ' ') ELSE '{}' END;
                is_range := 'range' = ANY (next_cues) AND (items[place + 2].number IS NOT NULL
                            OR items[place + 2].value = 'currency' AND items[place + 3].number IS NOT NULL);
            END IF;
            IF low IS NULL AND limited = 'between' AND after.kind = 'number' THEN
                low := item.number; -- "price range 1000 2000"
                CONTINUE;
            END IF;
            IF low IS NULL AND (limited = 'between' AND next_cues && '{range,and,comma}'
                                AND items[place + 2].number IS NOT NULL
                                OR is_range AND limited IN ('', 'over', 'at')
                                OR is_range AND limited = 'under' AND NOT next_cues && '{and,or}') THEN
                refused := refused OR limited = '' AND negation <> '' AND NOT applied;
                limited := 'between';
                low := item.number;
                place := place + 1;
                CONTINUE;
            END IF;
            IF limited IN ('', 'under', 'at') AND next_cues && '{under_after,over_after,around_after}' AND NOT is_next_limit
            THEN
                limited := CASE WHEN 'under_after' = ANY (next_cues) THEN 'under'
                                WHEN 'over_after' = ANY (next_cues) THEN 'over' ELSE 'around' END;
                item.stop := after.stop;
                place := place + 1;
            END IF;
            part := search_internal.price_part(item.number, limited, low, refused, parts);
            part.stop := item.stop;
            negation := CASE WHEN refused THEN '' ELSE negation END;
            refused := false;
            limited := '';
            low := NULL;
        ELSIF item.number BETWEEN 2000 AND 2099 AND item.value ~ '^\d+$' AND NOT EXISTS (
                  SELECT FROM search.vocabulary v WHERE v.word = item.number::text) THEN
            CONTINUE; -- a year, as in "best sandals 2026"
        ELSIF item.kind = 'measure' THEN
            stop := item.stop;
            IF compared = '' AND next_cues && '{under_after,over_after,around_after}' THEN -- "32 inch waist or less"
                compared := CASE WHEN 'under_after' = ANY (next_cues) THEN 'under'
                                 WHEN 'over_after' = ANY (next_cues) THEN 'over' ELSE 'around' END;
                stop := after.stop;
                place := place + 1;
            END IF;
            part := search_internal.measure_part(
                substr(typed, item.start + 1, item.stop - item.start), item.value,
                substr(typed, coalesce(start, item.start) + 1, stop - coalesce(start, item.start)), compared, least_measure);
            part.stop := stop;
            IF negation <> '' THEN
                part.wanted := false;
                part.why := CASE part.why WHEN 'name' THEN 'unwanted' ELSE 'ignored' END;
            END IF;
            compared := '';
            least_measure := NULL;
        ELSIF item.kind = 'number' AND item.number < 100 AND NOT item.excluded
              AND (SELECT s.keys <> '{}' FROM search_internal.size_part(item.value) AS s) THEN
            part := search_internal.size_part(item.value); -- "shoes 9", where products have the size 9
            part.stop := item.stop;
            part.wanted := negation = '' AND NOT (continues AND last_part.kind = 'size' AND NOT last_part.wanted);
        ELSIF item.kind = 'word' AND NOT item.excluded
              AND (item.value ~* '^(\d?x{1,4}|\d)[sl]$'
                   OR item.value ~ '^[SML]$' AND (last_part.kind IN ('type', 'size') OR after.kind = 'type'
                                                  -- "M or L shirt"
                                                  OR next_cues && '{or,and,comma}' AND items[place + 2].value ~ '^[SMLX]+$')
                   OR item.value ~ '^[sml]$' AND last_part.kind = 'size' AND continues) THEN
            part := search_internal.size_part(item.value);
            part.stop := item.stop;
            part.wanted := negation = '' AND NOT (continues AND last_part.kind = 'size' AND NOT last_part.wanted);
        ELSE
            IF item.kind = 'cue' THEN -- "over knee boots": a cue for numbers is a word without one
                CONTINUE WHEN substr(typed, item.start + 1, item.stop - item.start) !~ '[[:alnum:]]';
                item.kind := 'word';
                item.value := substr(typed, item.start + 1, item.stop - item.start);
                items[place] := item;
            END IF;
            -- "pas de chaussures noires" are shoes that are not black
            is_noun := (negation = 'next' AND item.kind = 'type' AND item.is_foreign
                        AND after.kind IN ('colour', 'material', 'pattern') AND NOT after.excluded) IS TRUE;
            negation := search_internal.carried_negation(negation, items, place, cues, parts, continues, conjunction);
            part := search_internal.item_part(typed, item, negation <> '' AND NOT is_noun);
            IF 'question' = ANY (cues) THEN
                part.why := 'question';
            END IF;
        END IF;
        IF part.kind IS NULL THEN
            -- "not in black or in brown", "not from Puma or from Vans"
            continues := continues AND cues && '{filler,for,not,but_not,nor,between,age,at_price}';
            CONTINUE;
        END IF;
        IF part.kind = 'type' AND part.wanted THEN
            IF type_joint <> '' AND (type_joint <> 'comma' OR NOT part.keys && (last_type.keys || last_type.accepted)) THEN
                -- in "black shoes or white heels" from "white" on
                IF opening > cardinality(parts) THEN
                    part.alternative := true;
                ELSE
                    first_part := parts[opening];
                    first_part.alternative := true;
                    parts[opening] := first_part;
                END IF;
            END IF;
            last_type := part;
            type_joint := '';
        END IF;
        part.place := place;
        part.start := coalesce(start, item.start) - item.excluded::integer;
        part.phrase := substr(typed, part.start + 1, part.stop - part.start);
        applied := true;
        -- "women shoes, heels not included" are shoes; but "shoes, black, white excluded"
        listed := CASE WHEN continues AND last_part.kind = part.kind AND (conjunction <> 'comma' OR part.kind <> 'type')
                       THEN listed + 1 ELSE 1 END;
        continues := false;
        conjunction := '';
        parts := search_internal.appended_part(typed, parts, part);
        start := NULL;
        negation := CASE WHEN negation = 'list' OR is_noun THEN negation ELSE '' END;
        is_noun := false;
        IF next_cues && '{or,and,comma}' AND item.kind NOT IN ('cue', 'number')
           AND search_internal.opens_list(part, 'comma' = ANY (next_cues), items[place + 3]) THEN
            negation := 'list';
        END IF;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(parts);
END
$$;

COMMENT ON FUNCTION search.understand(text) IS
    'What a query asks for, one row for each part: '
    'SELECT kind, value, wanted, why FROM search.understand(''red sneakers for boys under 60'')';
