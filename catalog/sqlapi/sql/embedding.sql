CREATE OR REPLACE FUNCTION search.embedding(query text, model text DEFAULT NULL)
RETURNS halfvec
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
DECLARE
    name text := search_internal.find_model(model, 'text');
    words text := search_internal.tidy(query);
    stored halfvec;
BEGIN
    SELECT q.embedding INTO stored FROM query_embedding q WHERE q.text = words AND q.model = name;
    IF stored IS NULL THEN
        RAISE EXCEPTION '% is not embedded by the model % yet', quote_literal(left(words, 80)), name
            USING ERRCODE = 'no_data_found',
                  HINT = format('CALL search.embed(%L, %L);', words, name);
    END IF;
    RETURN stored;
END
$$;

COMMENT ON FUNCTION search.embedding(text, text) IS
    'The embedding of words, for comparison with those of products: '
    'ORDER BY fashion_image <=> search.embedding(''blue jeans'', ''fashion''). '
    'For words that are not embedded yet, first: CALL search.embed(''blue jeans'', ''fashion'').';
