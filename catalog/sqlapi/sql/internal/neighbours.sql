-- Used by search.duplicates, search.price_outliers and search.misfiled. Uses one picture per product, so that all
-- products have one vote. The iterative scan continues until there are enough neighbours.
CREATE OR REPLACE FUNCTION search_internal.neighbours(model text, neighbours integer, category text, sample integer)
RETURNS TABLE (product_id bigint, neighbour_id bigint, similarity float8)
LANGUAGE plpgsql VOLATILE ROWS 10000
SET search_path = public, pg_temp
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = 100
SET enable_sort = on
SET jit = off
AS $$
DECLARE
    embeddings regclass;
    keys text[];
    drawn bigint[];
BEGIN
    embeddings := format('%I', search_internal.find_model(model, 'image') || '_image')::regclass;
    keys := search_internal.chosen_facets(category, NULL, NULL, NULL, NULL, NULL);
    IF neighbours IS NULL OR neighbours NOT BETWEEN 3 AND 100 THEN
        RAISE EXCEPTION 'neighbours must be between 3 and 100, not %', neighbours
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF sample < 1 THEN
        RAISE EXCEPTION 'the sample must be at least 1, not %', sample USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format(
        'SELECT array_agg(id)'
        '  FROM (SELECT i.id FROM product p'
        '          JOIN product_image i ON i.product_id = p.id AND i.position = 0'
        '          JOIN %s f ON f.image_id = i.id'
        '         WHERE $1 IS NULL OR p.facets && $1 ORDER BY random() LIMIT $2) AS shuffled', embeddings)
       INTO drawn USING keys[1]::text[], sample;
    -- Where the planner expects few main pictures, it would read all of them for each product and sort them. So there
    -- is no join that it can reorder, and no sort.
    PERFORM set_config('hnsw.ef_search', greatest(100, 2 * neighbours)::text, true),
            set_config('enable_sort', 'off', true);
    RETURN QUERY EXECUTE format(
        'SELECT e.product_id, near.product_id, 1 - near.distance'
        '  FROM unnest($1) AS drawn (image_id)'
        '       JOIN %1$s e USING (image_id)'
        '       CROSS JOIN LATERAL ('
        '           SELECT f.product_id, f.embedding <=> e.embedding AS distance'
        '             FROM %1$s f'
        '            WHERE f.product_id <> e.product_id'
        '              AND (SELECT i.position FROM product_image i WHERE i.id = f.image_id) = 0'
        '            ORDER BY f.embedding <=> e.embedding LIMIT $2) AS near', embeddings)
    USING drawn, neighbours;
{{canceled}}
END
$$;

COMMENT ON FUNCTION search_internal.neighbours(text, integer, text, integer) IS
    'The nearest neighbours of products by main picture; of a category or a random sample if these are not NULL.';
