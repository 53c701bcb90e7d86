CREATE OR REPLACE FUNCTION search.suggest(typed text, max_each integer DEFAULT 5)
RETURNS SETOF search.suggestion
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 15
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    read CONSTANT search_internal.typed_query := search_internal.read_typed(typed);
BEGIN
    IF read.words IS NULL OR max_each < 1 THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM search_internal.suggested_queries(typed, read, max_each);
    RETURN QUERY SELECT * FROM search_internal.suggested_values(read, max_each);
    RETURN QUERY SELECT * FROM search_internal.suggested_products(read, max_each);
END
$$;

COMMENT ON FUNCTION search.suggest(text, integer) IS
    'What a shopper may mean who has typed this so far: at most max_each queries, facet values, brands and products.';
