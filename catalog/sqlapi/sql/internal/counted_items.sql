-- Joins the parts of a number: "1 500", and "two thousand five hundred", "mille cinq cents", "tysiąc pięćset".
CREATE OR REPLACE FUNCTION search_internal.counted_items(typed text, items search_internal.query_item[])
RETURNS search_internal.query_item[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    counted search_internal.query_item[] := '{}';
    item search_internal.query_item;
    after search_internal.query_item;
    last_item search_internal.query_item;
    place integer := 0;
    stop integer;
    cues text[];                 -- of the last item
    total numeric;               -- in thousands that are complete
    current numeric;             -- below the next multiplier
    factor numeric;
    steps integer;
    has_factor boolean;
    parts text[];                -- of a word such as "tausendfünfhundert"
BEGIN
    WHILE place < cardinality(items) LOOP
        place := place + 1;
        item := items[place];
        last_item := counted[cardinality(counted)];
        cues := CASE WHEN last_item.kind = 'cue' THEN string_to_array(last_item.value, ' ') ELSE '{}' END;
        IF item.kind = 'number' AND item.value ~ '^[1-9]\d{0,2}$' THEN
            stop := place;
            total := item.number;
            WHILE items[stop + 1].kind = 'number' AND items[stop + 1].value ~ '^\d{3}([.,]\d{1,2})?$'
                  AND items[stop + 1].start = items[stop].stop + 1 AND substr(typed, items[stop].stop + 1, 1) = ' ' LOOP
                stop := stop + 1;
                total := 1000 * total + items[stop].number;
            END LOOP;
            after := items[stop + 1];
            IF stop > place AND NOT cues && '{size,size_system,dimension,identifier}'
               AND (after.kind = 'cue' AND 'currency' = ANY (string_to_array(after.value, ' '))
                    OR cues && '{under,over,around,range,at_price,currency}' AND NOT cues && '{between}'
                    OR cues && '{between}' AND after.kind = 'cue'
                       AND string_to_array(after.value, ' ') && '{range,and}') THEN
                item.number := total;
                item.value := total::text;
                item.stop := items[stop].stop;
                place := stop;
            END IF;
        ELSIF item.kind = 'word' AND length(item.value) > 6
              AND (cues && '{under,over,between,around,range,at_price,currency}' AND NOT cues && '{or}'
                   OR items[place + 1].kind = 'cue' AND 'currency' = ANY (string_to_array(items[place + 1].value, ' '))) THEN
            parts := search_internal.number_parts(public.fold_text(item.value));
            IF parts IS NOT NULL THEN
                items := items[:place] || ARRAY(
                             SELECT ROW('cue', part, item.start, item.stop, NULL, false, false, '{}', '{}', '{}', false,
                                        false)::search_internal.query_item
                               FROM unnest(parts) WITH ORDINALITY AS p (part, number) ORDER BY number)
                         || items[place + 1:];
                CONTINUE;
            END IF;
        ELSIF item.kind = 'cue' AND item.value ~ '(number|times)_' THEN
            stop := place - 1;
            steps := 0;
            total := 0;
            current := 0;
            has_factor := false;
            LOOP
                after := items[stop + 1];
                IF after.kind = 'cue' AND after.value ~ 'number_' THEN
                    current := current + substring(after.value, 'number_(\d+)')::numeric;
                    steps := steps + 1;
                ELSIF after.kind = 'cue' AND after.value ~ 'times_' THEN
                    factor := substring(after.value, 'times_(\d+)')::numeric;
                    has_factor := true;
                    current := CASE current WHEN 0 THEN 1 ELSE current END * factor;
                    IF factor >= 1000 THEN
                        total := total + current;
                        current := 0;
                    END IF;
                    steps := steps + 1;
                ELSIF NOT (steps > 0 AND after.kind = 'cue' AND 'and' = ANY (string_to_array(after.value, ' '))
                           AND NOT cues && '{between}'
                           -- "two hundred and fifty", "treinta y cinco"
                           AND (has_factor OR current BETWEEN 20 AND 90 AND items[stop + 2].value ~ 'number_\d(?!\d)')
                           AND items[stop + 2].kind = 'cue' AND items[stop + 2].value ~ '(number|times)_') IS TRUE THEN
                    EXIT;
                END IF;
                stop := stop + 1;
            END LOOP;
            IF steps > 1 AND (has_factor OR cues && '{under,over,between,around,range,currency}'
                              OR items[stop + 1].kind = 'cue'
                                 AND 'currency' = ANY (string_to_array(items[stop + 1].value, ' '))) THEN
                item.kind := 'number';
                item.number := total + current;
                item.value := item.number::text;
                item.stop := items[stop].stop;
                place := stop;
            END IF;
        END IF;
        counted := counted || item;
    END LOOP;
    RETURN counted;
END
$$;

COMMENT ON FUNCTION search_internal.counted_items(text, search_internal.query_item[]) IS
    'The items of a query, with the parts of numbers joined, for search_internal.joined_items.';
