CREATE FUNCTION search.duplicates(model text DEFAULT NULL, threshold float8 DEFAULT 0.97)
RETURNS TABLE (similarity float8, sku text, title text, other_sku text, other_title text)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    embeddings regclass := format('%I', search.find_model(model, 'image') || '_image')::regclass;
BEGIN
    IF threshold IS NULL OR threshold NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'the threshold must lie between 0 and 1, not %', threshold
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT max(pair.similarity), p.sku, p.title, o.sku, o.title'
        '  FROM (SELECT least(e.product_id, n.product_id) AS one, greatest(e.product_id, n.product_id) AS two,'
        '               1 - n.distance AS similarity'
        '          FROM %1$s e'
        '               CROSS JOIN LATERAL ('
        '                   SELECT f.product_id, e.embedding <=> f.embedding AS distance'
        '                     FROM %1$s f ORDER BY f.embedding <=> e.embedding LIMIT 20) AS n'
        '         WHERE n.product_id <> e.product_id AND 1 - n.distance >= $1) AS pair'
        '  JOIN product p ON p.id = pair.one JOIN product o ON o.id = pair.two'
        ' GROUP BY p.id, o.id ORDER BY 1 DESC, p.sku, o.sku', embeddings)
    USING threshold;
END
$$;

COMMENT ON FUNCTION search.duplicates(text, float8) IS
    'Different products whose pictures are near the same, of the twenty nearest to each; the cosine is at least the threshold.';
