-- After a comma, a list of unwanted things goes on if "or", "and" or "nor" comes before its last one, or if the query
-- ends with it: "not red, blue or green shoes" and "shoes, not red, blue"; but "not red, blue shoes" are blue, and
-- "no heels, flats" are flats.
CREATE OR REPLACE FUNCTION search_internal.is_listed(
    items search_internal.query_item[], place integer, last_part search.understood, parts search.understood[])
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind text := items[place].kind;
    is_joined boolean := false;  -- whether "or", "and" or "nor" has come
    cues text[];
BEGIN
    -- ", or brown" and ", not brown" say it themselves
    IF items[place].kind = 'cue' THEN
        RETURN string_to_array(items[place].value, ' ') && '{or,and,nor}';
    ELSIF last_part.kind IS DISTINCT FROM kind THEN
        RETURN false;
    END IF;
    LOOP
        place := place + 1;
        WHILE items[place].kind = 'cue' AND NOT is_joined LOOP
            cues := string_to_array(items[place].value, ' ');
            EXIT WHEN NOT cues && '{comma,or,and,nor}';
            is_joined := cues && '{or,and,nor}';
            place := place + 1;
        END LOOP;
        IF is_joined THEN
            WHILE items[place].kind = 'cue' AND string_to_array(items[place].value, ' ') && '{filler,for,between}' LOOP
                place := place + 1;
            END LOOP;
            RETURN coalesce(items[place].kind = kind, false);
        END IF;
        EXIT WHEN items[place].kind IS DISTINCT FROM kind OR items[place - 1].value IS DISTINCT FROM 'comma';
    END LOOP;
    RETURN place > cardinality(items) AND kind <> 'type'
           AND EXISTS (SELECT FROM unnest(parts) AS p WHERE p.kind = 'type' AND p.wanted);
END
$$;

COMMENT ON FUNCTION search_internal.is_listed(search_internal.query_item[], integer, search.understood,
                                              search.understood[]) IS
    'Whether the item after a comma belongs to the list of unwanted things before it, for search.understand.';
