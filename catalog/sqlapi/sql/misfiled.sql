CREATE OR REPLACE FUNCTION search.misfiled(
    model text DEFAULT NULL, neighbours integer DEFAULT 10, category text DEFAULT NULL,
    sample integer DEFAULT NULL)
RETURNS TABLE (agreement float8, sku text, title text, product_type text, looks_like text, votes bigint)
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT around.own::float8 / around.compared, p.sku, p.title, p.product_type, around.winner, around.votes
  FROM product p
       JOIN (SELECT kinds.id, sum(kinds.votes) AS compared,
                    coalesce(sum(kinds.votes) FILTER (WHERE kinds.is_own), 0) AS own,
                    (array_agg(kinds.product_type ORDER BY kinds.votes DESC, kinds.product_type))[1] AS winner,
                    max(kinds.votes) AS votes
               FROM (SELECT own.id, o.product_type, o.product_type = own.product_type AS is_own, count(*) AS votes
                       FROM search_internal.neighbours(misfiled.model, misfiled.neighbours, misfiled.category,
                                              misfiled.sample) AS n
                            JOIN product own ON own.id = n.product_id
                            JOIN product o ON o.id = n.neighbour_id
                      WHERE own.product_type <> '' AND o.product_type <> ''
                      GROUP BY own.id, o.product_type) AS kinds
              GROUP BY kinds.id) AS around ON around.id = p.id
 WHERE around.winner <> p.product_type AND around.votes * 2 > around.compared
 ORDER BY 1, around.votes DESC, p.sku;
END;

COMMENT ON FUNCTION search.misfiled(text, integer, text, integer) IS
    'Products whose product type may be wrong: most of the products with the most similar pictures have another type. '
    'For a large catalogue: category => ''Shoes'', or sample => 5000 (random).';
