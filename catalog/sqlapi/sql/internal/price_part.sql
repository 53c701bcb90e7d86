CREATE OR REPLACE FUNCTION search_internal.price_part(
    number numeric, limited text, least_number numeric, refused boolean, parts search.understood[])
RETURNS search.understood
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    low numeric := CASE limited WHEN 'around' THEN 0.8 * number WHEN 'between' THEN least(least_number, number)
                                WHEN 'over' THEN number END;
    high numeric := CASE WHEN limited = 'around' THEN 1.2 * number
                         WHEN limited = 'between' THEN CASE WHEN least_number IS NOT NULL
                                                            THEN greatest(least_number, number) END
                         WHEN limited <> 'over' THEN number END;
    why text := CASE WHEN refused THEN 'ignored' ELSE 'price' END;
    part search.understood;
BEGIN
    -- "not around 1000" and "under 1000 or over 3000": no range of prices says this
    FOREACH part IN ARRAY parts LOOP
        IF part.why = 'price' AND (low > part.high OR high < part.low) THEN
            why := 'ignored';
        END IF;
    END LOOP;
    part := ROW(NULL, NULL, NULL, NULL, 'price', concat_ws(' to ', low, high), NOT refused, why, '{}', '{}', '{}', low, high,
                '', NULL);
    RETURN part;
END
$$;

COMMENT ON FUNCTION search_internal.price_part(numeric, text, numeric, boolean, search.understood[]) IS
    'The part of a query that limits the price, by its last number, the limit and the first of two numbers; "ignored" if '
    'no range of prices says it.';
