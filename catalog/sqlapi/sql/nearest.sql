CREATE OR REPLACE FUNCTION search.nearest(
    vector halfvec, k integer DEFAULT 10, model text DEFAULT NULL, modality text DEFAULT 'image',
    category text DEFAULT NULL, product_type text DEFAULT NULL, gender text DEFAULT NULL,
    colour text DEFAULT NULL, brand text DEFAULT NULL, min_price float8 DEFAULT NULL,
    max_price float8 DEFAULT NULL, in_stock boolean DEFAULT NULL, attributes jsonb DEFAULT NULL)
RETURNS SETOF search.neighbour
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = public, pg_temp
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = 100
SET jit = off
AS $$
DECLARE
    used text;
    dimensions integer;
    chosen text[];
BEGIN
    used := search_internal.find_model(model, coalesce(modality, ''));
    dimensions := (SELECT m.dimensions FROM search.models m WHERE m.name = used);
    chosen := search_internal.chosen_facets(category, product_type, gender, colour, brand, attributes);
    IF vector IS NULL THEN
        RAISE EXCEPTION 'the vector is NULL' USING ERRCODE = 'invalid_parameter_value';
    ELSIF vector_dims(vector) <> dimensions THEN
        RAISE EXCEPTION 'the vector has % dimensions, but the embeddings of the model % have %',
                        vector_dims(vector), used, dimensions
            USING ERRCODE = 'invalid_parameter_value', HINT = 'See: SELECT name, dimensions FROM search.models;';
    ELSIF k IS NULL OR k < 1 THEN
        RAISE EXCEPTION 'k must be at least 1, not %', k USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM set_config('hnsw.ef_search', least({{max_ef_search}}, greatest(100, 2::bigint * k))::text, true);
    RETURN QUERY EXECUTE format('SELECT * FROM search_internal.%I({{nearest_arguments}})',
                                'nearest_by_' || used || '_' || modality)
    USING vector, k, search_internal.fan_out(), {{facet_arguments}}, min_price::numeric, max_price::numeric, in_stock;
{{canceled}}
END
$$;

COMMENT ON FUNCTION search.nearest(halfvec, integer, text, text, text, text, text, text, text, float8, float8, boolean,
                                   jsonb) IS
    'The k products whose embeddings are nearest to a vector, behind any filters, never fewer than there are: '
    'SELECT * FROM search.nearest(search.embedding(''blue jeans''), k => 100, category => ''Apparel'')';
