CREATE OR REPLACE FUNCTION search.price_outliers(
    model text DEFAULT NULL, neighbours integer DEFAULT 10, category text DEFAULT NULL,
    sample integer DEFAULT NULL)
RETURNS TABLE (factor numeric, sku text, title text, price numeric, usual_price numeric, currency text)
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT round(p.price / around.usual, 2), p.sku, p.title, p.price, round(around.usual, 2), p.currency
  FROM (SELECT own.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY o.price::float8)::numeric AS usual
          FROM search_internal.neighbours(price_outliers.model, price_outliers.neighbours, price_outliers.category,
                                 price_outliers.sample) AS n
               JOIN product own ON own.id = n.product_id
               JOIN product o ON o.id = n.neighbour_id AND o.currency = own.currency
         WHERE own.price > 0 AND o.price > 0
         GROUP BY own.id HAVING count(*) >= 3) AS around
       JOIN product p ON p.id = around.id
 ORDER BY abs(ln(p.price / around.usual)) DESC, p.sku;
END;

COMMENT ON FUNCTION search.price_outliers(text, integer, text, integer) IS
    'Products whose price differs most from the median price of the products with the most similar pictures; factor 2 means '
    'twice the median. For a large catalogue: category => ''Shoes'', or sample => 5000 (random).';
