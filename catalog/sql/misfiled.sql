CREATE FUNCTION search.misfiled(model text DEFAULT NULL, neighbours integer DEFAULT 10)
RETURNS TABLE (agreement float8, sku text, title text, product_type text, looks_like text, votes bigint)
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
        'SELECT around.own::float8 / around.compared, p.sku, p.title, p.product_type, around.winner, around.votes'
        '  FROM product p'
        '       JOIN product_image i ON i.product_id = p.id AND i.position = 0'
        '       JOIN %1$s e ON e.image_id = i.id'
        '       CROSS JOIN LATERAL ('
        '           SELECT sum(kinds.votes) AS compared,'
        '                  coalesce(sum(kinds.votes) FILTER (WHERE kinds.product_type = p.product_type), 0) AS own,'
        '                  (array_agg(kinds.product_type ORDER BY kinds.votes DESC, kinds.product_type))[1] AS winner,'
        '                  max(kinds.votes) AS votes'
        '             FROM (SELECT o.product_type, count(*) AS votes'
        '                     FROM (SELECT f.product_id FROM %1$s f'
        '                            ORDER BY f.embedding <=> e.embedding LIMIT 1 + $1) AS near'
        '                          JOIN product o ON o.id = near.product_id'
        '                    WHERE o.id <> p.id AND o.product_type <> ''''  GROUP BY o.product_type) AS kinds) AS around'
        ' WHERE p.product_type <> '''' AND around.winner <> p.product_type AND around.votes * 2 > around.compared'
        ' ORDER BY 1, around.votes DESC, p.sku', embeddings)
    USING neighbours;
END
$$;

COMMENT ON FUNCTION search.misfiled(text, integer) IS
    'Products whose picture disagrees with their type: most of those that look most like them are of another one.';
