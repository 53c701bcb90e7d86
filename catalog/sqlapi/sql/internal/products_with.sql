-- The order of the catalogue leads to frequent words soon. The index is for rare ones: it collects all products first.
CREATE OR REPLACE FUNCTION search_internal.products_with(words tsquery, share float8, max_products integer)
RETURNS bigint[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    found bigint[];
BEGIN
    IF share > {{frequent_share}} THEN
        found := ARRAY(
            SELECT id
              FROM (SELECT id, lexemes FROM public.product ORDER BY in_stock DESC, id DESC LIMIT {{max_walked}}) AS newest
             WHERE ts_filter(lexemes, '{a,b}') @@ words
             LIMIT max_products);
    END IF;
    IF coalesce(found, '{}') = '{}' THEN
        found := ARRAY(
            SELECT id FROM public.product
             WHERE ts_filter(lexemes, '{a,b}') @@ words
             LIMIT max_products);
        IF cardinality(found) = max_products THEN -- there may be more, and these may be sold
            found := ARRAY(
                SELECT id FROM public.product
                 WHERE ts_filter(lexemes, '{a,b}') @@ words AND in_stock
                 LIMIT max_products) || found;
        END IF;
    END IF;
    RETURN found;
END
$$;

COMMENT ON FUNCTION search_internal.products_with(tsquery, float8, integer) IS
    'Some products whose title or attributes match, those in stock if there are many; `share` is about the share that does.';
