-- "not black or brown": the second colour is unwanted too; "not red and comfortable" is comfortable.
CREATE OR REPLACE FUNCTION search_internal.carried_negation(
    negation text, items search_internal.query_item[], place integer, cues text[], parts search.understood[],
    continues boolean, conjunction text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item search_internal.query_item := items[place];
    last_part search.understood := parts[cardinality(parts)];
    part search.understood;
    has_same boolean := false;   -- whether something of the kind of the last part is wanted
    has_type boolean := false;
BEGIN
    IF last_part.wanted IS NOT FALSE THEN
        RETURN negation;
    ELSIF negation = '' THEN
        RETURN CASE WHEN continues
                         AND (last_part.kind = item.kind AND item.kind NOT IN ('word', 'number')
                              OR conjunction <> 'and' AND item.kind IN ('word', 'brand', 'colour', 'material', 'pattern')
                                 AND 'word' IN (item.kind, last_part.kind) AND cues = '{}')
                    THEN 'next' ELSE '' END;
    ELSIF negation <> 'list' THEN
        RETURN negation;
    ELSIF item.kind = 'person' AND last_part.kind <> 'person' THEN
        RETURN ''; -- "without laces for men"
    ELSIF item.kind <> 'type' OR continues THEN
        RETURN negation;
    END IF;
    FOREACH part IN ARRAY parts LOOP
        has_same := has_same OR part.wanted AND part.kind = last_part.kind;
        has_type := has_type OR part.wanted AND part.kind = 'type';
    END LOOP;
    -- "blue rather than red shoes", "without laces shoes"
    RETURN CASE WHEN NOT has_type AND (has_same OR last_part.kind IN ('word', 'type')
                                                   AND items[place + 1].kind IS DISTINCT FROM 'type')
                THEN '' ELSE negation END;
END
$$;

COMMENT ON FUNCTION search_internal.carried_negation(
    text, search_internal.query_item[], integer, text[], search.understood[], boolean, text) IS
    'The negation that holds for the item at a place, by the parts before it, for search.understand.';
