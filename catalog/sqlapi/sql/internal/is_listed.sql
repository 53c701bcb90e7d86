-- After a comma, a list of unwanted things goes on if "or" or "and" comes before its last one, or if the query ends
-- with it: "not red, blue or green shoes" and "shoes, not red, blue"; but "not red, blue shoes" are blue, and
-- "no heels, flats" are flats.
CREATE OR REPLACE FUNCTION search_internal.is_listed(
    items search_internal.query_item[], place integer, last_part search.understood, parts search.understood[])
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind text := items[place].kind;
BEGIN
    IF last_part.kind IS DISTINCT FROM kind THEN
        RETURN false;
    END IF;
    WHILE items[place + 1].value = 'comma' AND items[place + 1].kind = 'cue' AND items[place + 2].kind = kind LOOP
        place := place + 2;
    END LOOP;
    IF place = cardinality(items) THEN
        RETURN kind <> 'type' AND EXISTS (SELECT FROM unnest(parts) AS p WHERE p.kind = 'type' AND p.wanted);
    END IF;
    RETURN items[place + 1].kind = 'cue' AND string_to_array(items[place + 1].value, ' ') && '{or,and}'
           AND items[place + 2].kind = kind;
END
$$;

COMMENT ON FUNCTION search_internal.is_listed(search_internal.query_item[], integer, search.understood,
                                              search.understood[]) IS
    'Whether the item after a comma belongs to the list of unwanted things before it, for search.understand.';
