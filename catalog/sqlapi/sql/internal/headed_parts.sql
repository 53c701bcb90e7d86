-- What of the parts counts as wanted. Where two persons overlap, as in "kids girls" or "4 year old boy", the overlap is
-- meant. "jeans jacket" is a jacket: the last of several types is the head, one by its name before synonyms. But a
-- "jeans jacket or skirt" is one of two, each with a head of its own. A type that no product has is the head if it is the
-- only type, or follows another one directly: a "shoe bag" is no shoe, but a "dress with a belt" is a dress.
CREATE OR REPLACE FUNCTION search_internal.headed_parts(
    parts search.understood[], OUT counted search.understood[], OUT heads integer[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part search.understood;
    other search.understood;
    is_wider boolean;            -- than another person
    named integer[] := '{}';     -- the last type of each alternative with a name of the catalogue
    last integer[] := '{}';      -- its last type
    absent integer[] := '{}';    -- its last type that no product has, if it is the head
    alternative integer := 1;
BEGIN
    counted := '{}';
    heads := '{}';
    FOREACH part IN ARRAY parts LOOP
        alternative := alternative + (part.alternative IS TRUE)::integer;
        CONTINUE WHEN NOT part.wanted OR part.keys || part.accepted || part.close = '{}' AND part.why <> 'absent';
        IF part.kind = 'person' THEN
            is_wider := false;
            FOREACH other IN ARRAY parts LOOP
                is_wider := is_wider OR other.wanted AND other.kind = 'person' AND other.place <> part.place
                                        AND other.keys <> '{}' AND other.keys <@ (part.keys || part.accepted)
                                        AND NOT (part.keys || part.accepted) <@ (other.keys || other.accepted);
            END LOOP;
            CONTINUE WHEN is_wider;
        ELSIF part.kind = 'type' AND part.why = 'absent' THEN
            CONTINUE WHEN last[alternative] <> part.place - 1;
            absent[alternative] := part.place;
        ELSIF part.kind = 'type' THEN
            absent[alternative] := NULL;
            last[alternative] := part.place;
            IF part.why = 'name' THEN
                named[alternative] := part.place;
            END IF;
        END IF;
        counted := counted || part;
    END LOOP;
    FOREACH part IN ARRAY counted LOOP
        IF part.kind <> 'type' THEN
            heads := heads || part.place;
        END IF;
    END LOOP;
    FOR number IN 1..alternative LOOP
        heads := heads || coalesce(absent[number], named[number], last[number]);
    END LOOP;
    heads := array_remove(heads, NULL);
END
$$;

COMMENT ON FUNCTION search_internal.headed_parts(search.understood[]) IS
    'The wanted parts of a query, and the places of those that are no type before another, for search.parse.';
