CREATE OR REPLACE FUNCTION search.duplicates(
    model text DEFAULT NULL, threshold float8 DEFAULT 0.97, category text DEFAULT NULL,
    sample integer DEFAULT NULL)
RETURNS TABLE (similarity float8, sku text, title text, other_sku text, other_title text)
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
BEGIN
    IF threshold IS NULL OR threshold NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'the threshold must be between 0 and 1, not %', threshold
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT max(n.similarity), p.sku, p.title, o.sku, o.title
          FROM search_internal.neighbours(model, 20, category, sample) AS n
               JOIN product p ON p.id = least(n.product_id, n.neighbour_id)
               JOIN product o ON o.id = greatest(n.product_id, n.neighbour_id)
         WHERE n.similarity >= threshold
         GROUP BY p.id, o.id ORDER BY 1 DESC, p.sku, o.sku;
{{canceled}}
END
$$;

COMMENT ON FUNCTION search.duplicates(text, float8, text, integer) IS
    'Pairs of products with almost the same main picture: the cosine similarity is at least the threshold. Compares each '
    'product with its 20 nearest. For a large catalogue: search.duplicates(category => ''Shoes'') or (sample => 5000).';
