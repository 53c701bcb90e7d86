CREATE FUNCTION search.price_outliers(model text DEFAULT NULL, neighbours integer DEFAULT 10)
RETURNS TABLE (factor numeric, sku text, title text, price numeric, usual_price numeric, currency text)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    embeddings regclass := format('%I', search.find_model(model, 'image') || '_image')::regclass;
BEGIN
    IF neighbours IS NULL OR neighbours NOT BETWEEN 3 AND 100 THEN
        RAISE EXCEPTION 'the neighbours must be from 3 to 100, not %', neighbours
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT round(p.price / around.usual, 2), p.sku, p.title, p.price, round(around.usual, 2), p.currency'
        '  FROM product p'
        '       JOIN product_image i ON i.product_id = p.id AND i.position = 0'
        '       JOIN %1$s e ON e.image_id = i.id'
        '       CROSS JOIN LATERAL ('
        '           SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY o.price::float8)::numeric AS usual,'
        '                  count(*) AS compared'
        '             FROM (SELECT f.product_id FROM %1$s f'
        '                    ORDER BY f.embedding <=> e.embedding LIMIT 1 + $1) AS near'
        '                  JOIN product o ON o.id = near.product_id'
        '            WHERE o.id <> p.id AND o.price > 0 AND o.currency = p.currency) AS around'
        ' WHERE p.price > 0 AND around.compared >= 3'
        ' ORDER BY abs(ln(p.price / around.usual)) DESC, p.sku', embeddings)
    USING neighbours;
END
$$;

COMMENT ON FUNCTION search.price_outliers(text, integer) IS
    'Products by how far their price lies from the median of those that look most like them; a factor of 2 is twice as dear.';
