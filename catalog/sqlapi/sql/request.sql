-- The only write access of analysts: it runs with the owner's rights, so search_path is fixed.
CREATE OR REPLACE FUNCTION search.request(query text, model text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    name text := search_internal.find_model(model, 'text');
BEGIN
    INSERT INTO query_embedding AS q (text, model) SELECT words, name FROM unnest(search_internal.texts(query)) AS words
        ON CONFLICT ON CONSTRAINT query_embedding_pkey DO UPDATE
       SET attempts = CASE WHEN q.embedding IS NULL THEN 0 ELSE q.attempts END,
           used_at = now();
    PERFORM pg_notify('search_requests', name);
END
$$;

COMMENT ON FUNCTION search.request(text, text) IS
    'Request the embedding of words without waiting. Takes effect when the transaction commits.';
