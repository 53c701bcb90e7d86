CREATE OR REPLACE FUNCTION search.blend(
    sku text, words text, weight float8 DEFAULT 0.5, model text DEFAULT NULL,
    category text DEFAULT NULL, product_type text DEFAULT NULL, gender text DEFAULT NULL,
    colour text DEFAULT NULL, brand text DEFAULT NULL, min_price float8 DEFAULT NULL,
    max_price float8 DEFAULT NULL, in_stock boolean DEFAULT NULL, min_match float8 DEFAULT NULL,
    group_variants boolean DEFAULT true, attributes jsonb DEFAULT NULL)
RETURNS SETOF search.hit
LANGUAGE plpgsql STABLE ROWS 240
SET search_path = public, pg_temp
AS $$
DECLARE
    chosen text;
    own record;
    parsed search.parsed;
    vector halfvec;
    weights float8[] := ARRAY[weight, 1 - weight];
BEGIN
    chosen := search_internal.find_model(model, 'text');
    own := search_internal.product_embeddings(sku, chosen);
    parsed := search.parse(search_internal.tidy(words));
    vector := search_internal.query_vector(parsed, chosen);
    IF own.text IS NULL AND own.image IS NULL THEN
        RAISE EXCEPTION 'the product % is not embedded by the model %', quote_literal(sku), chosen
            USING ERRCODE = 'no_data_found', HINT = 'See: SELECT * FROM search.coverage;';
    ELSIF weight IS NULL OR weight NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'the weight must be between 0 and 1, not %', weight
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'It is the weight of the product: 0 means only the words, 1 only the product.';
    END IF;
    RETURN QUERY SELECT * FROM search_internal.ranked(
        chosen, 'both',
        CASE WHEN own.text IS NOT NULL THEN search_internal.interpolate(ARRAY[own.text, vector], weights) END,
        CASE WHEN own.image IS NOT NULL THEN search_internal.interpolate(ARRAY[own.image, vector], weights) END,
        weight, parsed, min_match, group_variants,
        own.product_id, '{}',
        search_internal.chosen_facets(category, product_type, gender, colour, brand, attributes),
        min_price::numeric, max_price::numeric, in_stock);
{{canceled}}
END
$$;

COMMENT ON FUNCTION search.blend(text, text, float8, text, text, text, text, text, text, float8, float8, boolean,
                                 float8, boolean, jsonb) IS
    'Search with a product and words; weight is the weight of the product: '
    'SELECT * FROM search.blend(''42419'', ''with flowers'', weight => 0.4) LIMIT 12';
