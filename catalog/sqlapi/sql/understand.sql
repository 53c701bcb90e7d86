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
    before_number boolean;       -- whether a number follows, perhaps after a currency
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
    is_range_ahead boolean;      -- whether two numbers follow
    is_range boolean;            -- whether the item is the first of two numbers
    is_next_limit boolean;       -- whether the next item is the limit of the number after it
    refused boolean := false;    -- whether a range or an age is not wanted
    compared text := '';         -- the limit of a measure: under, over, around or between
    least_measure numeric;
    is_measure_range boolean;    -- "between 2 and 4 inch", "2-4 inch"
    stop integer;                -- of the measure, with its limit
    is_typed boolean;            -- whether the item is searched as typed
    is_noun boolean := false;    -- whether an unwanted adjective follows the item
    limited text := '';          -- under, over, between, around, at or age, until its number has come
    low numeric;
    high numeric;
BEGIN
    WHILE place < cardinality(items) LOOP
        place := place + 1;
        item := items[place];
        after := items[place + 1];
        last_part := parts[cardinality(parts)];
        cues := CASE WHEN item.kind = 'cue' THEN string_to_array(item.value, ' ') ELSE '{}' END;
        next_cues := CASE WHEN after.kind = 'cue' THEN string_to_array(after.value, ' ') ELSE '{}' END;
        before_number := after.kind = 'number' OR 'currency' = ANY (next_cues) AND items[place + 2].kind = 'number';
        is_range := item.number IS NOT NULL AND 'range' = ANY (next_cues)
                    AND (items[place + 2].number IS NOT NULL
                         OR 'currency' = ANY (string_to_array(items[place + 2].value, ' '))
                            AND items[place + 2].kind = 'cue' AND items[place + 3].number IS NOT NULL);
        is_next_limit := limited <> '' AND next_cues && '{under,over,around,over_after,under_after}'
                         AND coalesce(items[place + 2].kind = 'number'
                                      OR items[place + 2].kind = 'cue' AND items[place + 3].kind = 'number'
                                         AND 'currency' = ANY (string_to_array(items[place + 2].value, ' ')), false);
        is_measure_range := CASE WHEN item.kind NOT IN ('cue', 'number') THEN false
                                 WHEN cues && '{between}' AND after.kind = 'number'
                                 THEN items[place + 3].kind = 'measure' AND items[place + 2].kind = 'cue'
                                      AND string_to_array(items[place + 2].value, ' ') && '{range,and}'
                                 ELSE item.kind = 'number' AND next_cues && '{range}' AND items[place + 2].kind = 'measure'
                            END IS TRUE;
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
            is_range_ahead := EXISTS (SELECT FROM unnest(items[place + 2:place + 4]) AS i
                                       WHERE i.kind = 'cue' AND 'range' = ANY (string_to_array(i.value, ' ')))
                              AND EXISTS (SELECT FROM unnest(items[place + 3:place + 5]) AS i WHERE i.kind = 'number');
            -- "not over 50" and "but not over 50"; but "without laces under 50"
            limited := CASE WHEN 'currency' = ANY (cues) THEN coalesce(nullif(limited, ''), 'under')
                            WHEN 'under' = ANY (cues)
                            THEN CASE WHEN negation = '' OR applied THEN 'under' ELSE 'over' END
                            WHEN 'at_price' = ANY (cues) AND NOT is_range_ahead THEN 'at'
                            WHEN 'between' = ANY (cues) AND items[place + 2].kind = 'cue' THEN 'between'
                            WHEN 'over' = ANY (cues)
                            THEN CASE WHEN negation = '' OR applied THEN 'over' ELSE 'under' END
                            WHEN 'between' = ANY (cues) THEN 'between'
                            WHEN 'at_price' = ANY (cues) THEN 'at'
                            ELSE 'around' END;
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
            -- "not around 1000" and "under 1000 or over 3000": no range of prices says this
            part := ROW(NULL, NULL, NULL, item.stop, 'price', concat_ws(' to ', low, high), NOT refused,
                        CASE WHEN refused THEN 'ignored' ELSE 'price' END, '{}', '{}', '{}', low, high, '');
            IF EXISTS (SELECT FROM unnest(parts) AS p WHERE p.why = 'price' AND (part.low > p.high OR part.high < p.low)) THEN
                part.why := 'ignored';
            END IF;
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
            END IF;
            -- "pas de chaussures noires" are shoes that are not black
            is_noun := (negation = 'next' AND item.kind = 'type' AND item.is_foreign
                        AND after.kind IN ('colour', 'material', 'pattern') AND NOT after.excluded) IS TRUE;
            -- "not black or brown": the second colour is unwanted too; "not red and comfortable" is comfortable
            IF continues AND negation = '' AND NOT last_part.wanted
               AND (last_part.kind = item.kind AND item.kind NOT IN ('word', 'number')
                    OR conjunction <> 'and' AND item.kind IN ('word', 'brand', 'colour', 'material', 'pattern')
                       AND 'word' IN (item.kind, last_part.kind) AND cues = '{}') THEN
                negation := 'next';
            ELSIF negation = 'list' AND NOT last_part.wanted AND item.kind = 'person' AND last_part.kind <> 'person' THEN
                negation := '';  -- "without laces for men"
            ELSIF negation = 'list' AND NOT last_part.wanted AND item.kind = 'type' AND NOT continues
                  AND (last_part.kind IN ('word', 'type') AND after.kind IS DISTINCT FROM 'type'
                       OR EXISTS (SELECT FROM unnest(parts) AS p WHERE p.wanted AND p.kind = last_part.kind))
                  AND NOT EXISTS (SELECT FROM unnest(parts) AS p WHERE p.kind = 'type' AND p.wanted) THEN
                negation := '';  -- "blue rather than red shoes", "without laces shoes"
            END IF;
            part := ROW(NULL, NULL, NULL, item.stop, item.kind, item.value, (negation = '' OR is_noun) AND NOT item.excluded,
                        CASE WHEN item.excluded THEN 'excluded' WHEN negation <> '' AND NOT is_noun THEN 'unwanted'
                             WHEN item.is_name THEN 'name'
                             WHEN item.kind IN ('number', 'quoted')
                                  OR item.value = substr(typed, item.start + 1, item.stop - item.start) THEN 'words'
                             WHEN item.is_stray THEN 'stray'
                             WHEN item.is_foreign THEN 'translation'
                             ELSE 'synonym' END,
                        item.keys, item.accepted, item.close, NULL, NULL,
                        CASE item.kind WHEN 'person' THEN replace(item.value, ' or ', ' ') ELSE item.value END);
            -- A phrase is searched as typed if products have its words, else by the name of what it means.
            is_typed := item.is_name OR NOT part.wanted;
            IF NOT is_typed AND item.kind = 'word' AND strpos(part.value, '&') > 0 THEN -- "H&M", which may be "HM"
                is_typed := EXISTS (SELECT FROM public.product p
                                     WHERE p.lexemes @@ (SELECT term FROM search.terms(part.value) LIMIT 1));
            ELSIF NOT is_typed THEN
                is_typed := search_internal.is_written(substr(typed, item.start + 1, item.stop - item.start));
            END IF;
            IF is_typed THEN
                part.words := btrim(substr(typed, item.start + 1, item.stop - item.start), '"');
            ELSIF item.kind = 'word' AND part.why = 'words'
                  AND (strpos(part.value, '&') > 0
                       OR NOT search_internal.is_known(public.fold_text(part.value))) THEN -- "nikee" has the stem of Nike
                part.why := 'unknown';
            END IF;
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
        IF item.excluded AND last_part.why = 'excluded' AND part.start = last_part.stop THEN
            -- "-wi-fi" excludes the compound, not its parts
            last_part.stop := part.stop;
            last_part.phrase := last_part.phrase || part.phrase;
            last_part.words := last_part.words || ' ' || part.words;
            parts[cardinality(parts)] := last_part;
        ELSIF (part.kind, part.value, part.wanted) = (last_part.kind, last_part.value, last_part.wanted)
              AND public.fold_text(part.words) = public.fold_text(last_part.words)
              AND part.kind <> 'number' AND substr(typed, last_part.stop + 1, part.start - last_part.stop) ~ '^[\s,;-]*$' THEN
            last_part.stop := part.stop; -- "red red shoes"
            last_part.phrase := substr(typed, last_part.start + 1, last_part.stop - last_part.start);
            parts[cardinality(parts)] := last_part;
        ELSE
            parts := parts || part;
        END IF;
        start := NULL;
        negation := CASE WHEN negation = 'list' OR is_noun THEN negation ELSE '' END;
        is_noun := false;
        -- "without heels or laces", where "without heels" has a meaning of its own
        IF next_cues && '{or,and,comma}' AND item.kind NOT IN ('cue', 'number') AND part.wanted AND part.phrase ~ ' '
           AND (NOT 'comma' = ANY (next_cues)
                OR items[place + 3].kind = 'cue' AND string_to_array(items[place + 3].value, ' ') && '{or,and}')
           AND EXISTS (SELECT FROM regexp_split_to_table(public.fold_text(part.phrase), ' ') AS each (cue)
                             JOIN search.meaning m ON m.key = each.cue AND m.kind = 'cue' AND m.value IN ('not', 'but_not'))
        THEN
            negation := 'list';
        END IF;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(parts);
END
$$;

COMMENT ON FUNCTION search.understand(text) IS
    'What a query asks for, one row for each part: '
    'SELECT kind, value, wanted, why FROM search.understand(''red sneakers for boys under 60'')';
