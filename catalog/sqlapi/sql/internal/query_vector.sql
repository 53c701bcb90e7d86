CREATE OR REPLACE FUNCTION search_internal.query_vector(parsed search.parsed, model text)
RETURNS halfvec
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
RETURN CASE (parsed).avoided WHEN '' THEN search.embedding((parsed).words, model)
       ELSE search_internal.interpolate(ARRAY[search.embedding((parsed).words, model),
                                     search.embedding((parsed).avoided, model)],
                               ARRAY[1, -{{without_weight}}]) END;

COMMENT ON FUNCTION search_internal.query_vector(search.parsed, text) IS
    'The embedding of what a query asks for, away from what it does not want.';
