CREATE OR REPLACE FUNCTION search.similar(
    sku text, model text DEFAULT NULL, using_images boolean DEFAULT true, using_texts boolean DEFAULT true,
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
BEGIN
    chosen := search_internal.find_model(model);
    own := search_internal.product_embeddings(sku, chosen);
    IF NOT coalesce(using_images, false) AND NOT coalesce(using_texts, false) THEN
        RAISE EXCEPTION 'using_images or using_texts must be true'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF (NOT using_images OR own.image IS NULL) AND (NOT using_texts OR own.text IS NULL) THEN
        RAISE EXCEPTION 'the model % has no such embedding of the product %', chosen, quote_literal(sku)
            USING ERRCODE = 'no_data_found', HINT = 'See: SELECT * FROM search.coverage;';
    END IF;
    RETURN QUERY SELECT * FROM search_internal.ranked(
        chosen, 'product', CASE WHEN using_texts THEN own.text END,
        CASE WHEN using_images THEN own.image END, 1, NULL, min_match, group_variants, own.product_id, '{}',
        search_internal.chosen_facets(category, product_type, gender, colour, brand, attributes),
        min_price::numeric, max_price::numeric, in_stock);
{{canceled}}
END
$$;

COMMENT ON FUNCTION search.similar(text, text, boolean, boolean, text, text, text, text, text, float8, float8,
                                   boolean, float8, boolean, jsonb) IS
    'Products similar to the one with this SKU by picture, text or both: '
    'SELECT * FROM search.similar(''42419'', using_texts => false) LIMIT 12';
