CREATE OR REPLACE FUNCTION search_internal.number_ahead(
    items search_internal.query_item[], place integer, limited text,
    OUT before_number boolean, OUT is_range boolean, OUT is_next_limit boolean, OUT is_measure_range boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item search_internal.query_item := items[place];
    after search_internal.query_item := items[place + 1];
    second search_internal.query_item := items[place + 2];
    cues text[] := CASE WHEN item.kind = 'cue' THEN string_to_array(item.value, ' ') ELSE '{}' END;
    next_cues text[] := CASE WHEN after.kind = 'cue' THEN string_to_array(after.value, ' ') ELSE '{}' END;
    second_cues text[] := CASE WHEN second.kind = 'cue' THEN string_to_array(second.value, ' ') ELSE '{}' END;
BEGIN
    before_number := after.kind = 'number' OR 'currency' = ANY (next_cues) AND second.kind = 'number';
    is_range := item.number IS NOT NULL AND 'range' = ANY (next_cues)
                AND (second.number IS NOT NULL
                     OR 'currency' = ANY (second_cues) AND items[place + 3].number IS NOT NULL);
    is_next_limit := limited <> '' AND next_cues && '{under,over,around,over_after,under_after}'
                     AND coalesce(second.kind = 'number'
                                  OR 'currency' = ANY (second_cues) AND items[place + 3].kind = 'number', false);
    is_measure_range := CASE WHEN item.kind NOT IN ('cue', 'number') THEN false
                             WHEN cues && '{between}' AND after.kind = 'number'
                             THEN items[place + 3].kind = 'measure' AND second_cues && '{range,and}'
                             ELSE item.kind = 'number' AND next_cues && '{range}' AND second.kind = 'measure'
                        END IS TRUE;
END
$$;

COMMENT ON FUNCTION search_internal.number_ahead(search_internal.query_item[], integer, text) IS
    'For search.understand: whether a number follows the item at a place; whether the item is the first of two numbers; '
    'whether the next item limits the number after it; whether a range of measures, such as "2-4 inch", begins.';
