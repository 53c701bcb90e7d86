CREATE OR REPLACE FUNCTION search.products(
    query text, model text DEFAULT NULL, category text DEFAULT NULL, product_type text DEFAULT NULL,
    gender text DEFAULT NULL, colour text DEFAULT NULL, brand text DEFAULT NULL,
    min_price float8 DEFAULT NULL, max_price float8 DEFAULT NULL, in_stock boolean DEFAULT NULL,
    min_match float8 DEFAULT NULL, group_variants boolean DEFAULT true, excluded text[] DEFAULT '{}',
    attributes jsonb DEFAULT NULL)
RETURNS SETOF search.hit
LANGUAGE plpgsql STABLE ROWS 240
SET search_path = public, pg_temp
AS $$
DECLARE
    chosen text;
    parsed search.parsed;
    vector halfvec;
BEGIN
    chosen := search_internal.find_model(model, 'text');
    parsed := search.parse(search_internal.tidy(query));
    IF parsed.words = '' THEN
        RAISE EXCEPTION 'there is nothing to search for in %', quote_literal(left(query, 80))
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Conditions alone need no search: SELECT * FROM product WHERE price < 50;';
    END IF;
    vector := search_internal.query_vector(parsed, chosen);
    RETURN QUERY SELECT * FROM search_internal.ranked(
        chosen, 'words', vector,
        CASE WHEN (SELECT m.has_image FROM search.models m WHERE m.name = chosen) THEN vector END,
        0, parsed, min_match, group_variants, NULL, excluded,
        search_internal.chosen_facets(category, product_type, gender, colour, brand, attributes),
        min_price::numeric, max_price::numeric, in_stock);
{{canceled}}
END
$$;

COMMENT ON FUNCTION search.products(text, text, text, text, text, text, text, float8, float8, boolean, float8,
                                    boolean, text[], jsonb) IS
    'Search with words, best match first, with the same results as the shop: '
    'SELECT * FROM search.products(''red sneakers'', max_price => 2000, gender => ''Boys'') LIMIT 12';
