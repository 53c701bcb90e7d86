CREATE OR REPLACE FUNCTION search.gaps(wishes text[], model text DEFAULT NULL)
RETURNS TABLE (wish text, found bigint, best_match float8, best_sku text, best_title text)
LANGUAGE sql STABLE
SET search_path = public, pg_temp
BEGIN ATOMIC
SELECT wished.wish, count(*) FILTER (WHERE hit.match >= weights.min_match),
       max(hit.match),
       (array_agg(hit.sku ORDER BY hit.place))[1],
       (array_agg(hit.title ORDER BY hit.place))[1]
  FROM unnest(wishes) WITH ORDINALITY AS wished (wish, place)
       JOIN search.weights ON weights.query = 'words'
       LEFT JOIN LATERAL search.products(wished.wish, gaps.model, min_match => 0) AS hit ON true
 GROUP BY wished.wish, wished.place, weights.min_match
 ORDER BY max(hit.match) NULLS FIRST, wished.place;
END;

COMMENT ON FUNCTION search.gaps(text[], text) IS
    'Phrases that the catalogue covers poorly: lowest best match first. Each phrase must be embedded: CALL search.embed.';
