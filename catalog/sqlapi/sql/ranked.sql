-- Runs the storefront's own statement, kept as text in search.statements: what is put into it are conditions
-- from search.conditions, never an argument.
CREATE FUNCTION search.ranked(
    model text, query text, words text, text_vector halfvec, image_vector halfvec, picture_share float8,
    min_match float8 DEFAULT NULL, group_variants boolean DEFAULT true, exclude bigint DEFAULT NULL,
    excluded text[] DEFAULT '{}', category text DEFAULT NULL, product_type text DEFAULT NULL,
    gender text DEFAULT NULL, colour text DEFAULT NULL, brand text DEFAULT NULL,
    min_price numeric DEFAULT NULL, max_price numeric DEFAULT NULL, in_stock boolean DEFAULT NULL)
RETURNS SETOF search.hit
LANGUAGE plpgsql STABLE ROWS 240
SET search_path = public, pg_temp
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = 480
SET jit = off
AS $$
DECLARE
    weight search.weights;
    conditions text;
    statement text;
BEGIN
    IF min_match NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'min_match must be between 0 and 1, not %', min_match
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO STRICT weight FROM search.weights w WHERE w.query = ranked.query;
    PERFORM set_config('hnsw.ef_search', least(1000, 2 * weight.products)::text, true);
    SELECT string_agg(c.condition, ' AND ' ORDER BY c.place) INTO conditions
      FROM search.conditions c
     WHERE c.name = ANY (array_remove(ARRAY[
               CASE WHEN category IS NOT NULL THEN 'category' END,
               CASE WHEN product_type IS NOT NULL THEN 'product_type' END,
               CASE WHEN gender IS NOT NULL THEN 'gender' END,
               CASE WHEN colour IS NOT NULL THEN 'colour' END,
               CASE WHEN brand IS NOT NULL THEN 'brand' END,
               CASE WHEN min_price IS NOT NULL THEN 'min_price' END,
               CASE WHEN max_price IS NOT NULL THEN 'max_price' END,
               CASE WHEN in_stock THEN 'in_stock' END,
               CASE WHEN exclude IS NOT NULL THEN 'exclude' END,
               CASE WHEN excluded <> '{}' THEN 'excluded' END], NULL));
    SELECT replace(s.statement, '{conditions}', coalesce(conditions, '')) INTO STRICT statement
      FROM search.statements s
     WHERE s.model = ranked.model
       AND s.by_words = (ranked.words IS NOT NULL)
       AND s.by_text = (text_vector IS NOT NULL)
       AND s.by_image = (image_vector IS NOT NULL)
       AND s.is_filtered = (conditions IS NOT NULL);
    RETURN QUERY EXECUTE format(
        'SELECT f.place, p.sku, p.title, p.brand, p.category, p.product_type, p.gender, p.colour, p.price,'
        '       p.currency, p.in_stock, CASE WHEN f.exact THEN 1 ELSE least(1, greatest(0, f.match)) END,'
        '       f.exact, (f.signals #>> ''{lexical,1}'')::float8,'
        '       (f.signals #>> ARRAY[%L, ''1''])::float8, (f.signals #>> ARRAY[%L, ''1''])::float8,'
        '       f.variants, f.colours, f.image_path, f.id'
        '  FROM (%s) AS f JOIN product p ON p.id = f.id WHERE f.matches ORDER BY f.place',
        model || '_text', model || '_image', statement)
    USING words, exclude, excluded, coalesce(min_match, weight.min_match), weight.products, search.fan_out(), 0, group_variants,
          text_vector, search.quantiles(model, query, 'text', picture_share), weight.text,
          image_vector, search.quantiles(model, query, 'image', picture_share), weight.image,
          weight.lexical, ARRAY[category], ARRAY[product_type], ARRAY[gender], ARRAY[colour],
          ARRAY[brand], min_price, max_price;
END
$$;

COMMENT ON FUNCTION search.ranked(text, text, text, halfvec, halfvec, float8, float8, boolean, bigint, text[], text,
                                  text, text, text, text, numeric, numeric, boolean) IS
    'What search.products, search.similar and search.blend have in common.';
