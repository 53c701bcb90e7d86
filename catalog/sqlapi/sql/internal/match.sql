-- One expression, so that PostgreSQL inlines it. Above the last quantile, the match is extrapolated with the
-- slope of the last tenth of the quantiles, whose ends are far enough apart.
CREATE OR REPLACE FUNCTION search_internal.match(similarity float8, quantiles float8[])
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN similarity < quantiles[1] THEN 0
    WHEN similarity >= quantiles[cardinality(quantiles)] THEN
        1 + 0.1 * (similarity - quantiles[cardinality(quantiles)])
            / greatest(quantiles[cardinality(quantiles)]
                       - quantiles[cardinality(quantiles) - cardinality(quantiles) / 10], 0.001)
    ELSE (width_bucket(similarity, quantiles) - 1
          + (similarity - quantiles[width_bucket(similarity, quantiles)])
            / (quantiles[width_bucket(similarity, quantiles) + 1]
               - quantiles[width_bucket(similarity, quantiles)]))
         / (cardinality(quantiles) - 1)
    END;

COMMENT ON FUNCTION search_internal.match(float8, float8[]) IS
    'Convert a cosine similarity to a match: 0.1 % of unrelated pairs reach 1, about 3 % reach 0.5.';
