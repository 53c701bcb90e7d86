CREATE OR REPLACE FUNCTION search_internal.interpolate(vectors halfvec[], weights float8[])
RETURNS halfvec
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = public, pg_temp
RETURN (
    WITH total AS (
        SELECT place, sum(weight * component) AS component
          FROM unnest(vectors, weights) AS part (vector, weight),
               unnest(part.vector::vector::real[]) WITH ORDINALITY AS each (component, place)
         GROUP BY place)
    SELECT CASE WHEN sqrt(sum(component ^ 2)) < 1e-6
                THEN (SELECT vector FROM unnest(vectors, weights) AS part (vector, weight)
                       ORDER BY weight DESC LIMIT 1)
                ELSE l2_normalize(array_agg(component::real ORDER BY place)::vector)::halfvec END
      FROM total);

COMMENT ON FUNCTION search_internal.interpolate(halfvec[], float8[]) IS
    'The normalized weighted sum of unit vectors; weights can be negative. '
    'If the sum is zero, the vector with the largest weight.';
