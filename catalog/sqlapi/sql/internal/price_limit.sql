-- "under", "over" and so on before a price; "not over 50" and "but not over 50" are under 50.
CREATE OR REPLACE FUNCTION search_internal.price_limit(
    items search_internal.query_item[], place integer, cues text[], limited text, is_negated boolean)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- whether two numbers follow
    is_range_ahead boolean := EXISTS (SELECT FROM unnest(items[place + 2:place + 4]) AS i
                                       WHERE i.kind = 'cue' AND 'range' = ANY (string_to_array(i.value, ' ')))
                              AND EXISTS (SELECT FROM unnest(items[place + 3:place + 5]) AS i WHERE i.kind = 'number');
BEGIN
    RETURN CASE WHEN 'currency' = ANY (cues) THEN coalesce(nullif(limited, ''), 'under')
                WHEN 'under' = ANY (cues) THEN CASE WHEN is_negated THEN 'over' ELSE 'under' END
                WHEN 'at_price' = ANY (cues) AND NOT is_range_ahead THEN 'at'
                WHEN 'between' = ANY (cues) AND items[place + 2].kind = 'cue' THEN 'between'
                WHEN 'over' = ANY (cues) THEN CASE WHEN is_negated THEN 'under' ELSE 'over' END
                WHEN 'between' = ANY (cues) THEN 'between'
                WHEN 'at_price' = ANY (cues) THEN 'at'
                ELSE 'around' END;
END
$$;

COMMENT ON FUNCTION search_internal.price_limit(search_internal.query_item[], integer, text[], text, boolean) IS
    'The limit that the cue at a place sets: under, over, between, around or at, for search.understand.';
