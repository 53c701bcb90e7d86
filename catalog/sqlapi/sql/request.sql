-- The only write access of analysts: it runs with the owner's rights, so search_path is fixed.
CREATE OR REPLACE FUNCTION search.request(query text, model text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    name text := search_internal.find_model(model, 'text');
    texts text[] := search_internal.texts(query);
    counted record;
    in_use text[] := (SELECT array_agg(m.name ORDER BY m.position) FROM search.models m
                       WHERE m.has_text AND m.position IS NOT NULL);
BEGIN
    IF name <> ALL (in_use || search_internal.find_model(NULL, 'text')) THEN
        RAISE EXCEPTION 'the model % is not in use, so no worker embeds words with it', name
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Models in use: %s. To use another one, an administrator adds it to the setting MODELS.',
                                array_to_string(in_use, ', '));
    END IF;
    INSERT INTO request_count AS c (role, texts) VALUES (session_user, cardinality(texts))
        ON CONFLICT (role) DO UPDATE
       SET texts = CASE WHEN c.since > now() - interval '1 h' THEN c.texts ELSE 0 END + excluded.texts,
           since = CASE WHEN c.since > now() - interval '1 h' THEN c.since ELSE now() END
    RETURNING c.texts, c.since INTO counted;
    IF counted.texts > {{max_requests}} THEN
        RAISE EXCEPTION 'more than {{max_requests}} texts were requested by % in an hour', session_user
            USING ERRCODE = 'configuration_limit_exceeded',
                  HINT = format('Wait until %s.', to_char(counted.since + interval '1 h', 'HH24:MI:SS TZ'));
    END IF;
    INSERT INTO query_embedding AS q (text, model, requested_by)
    SELECT words, name, session_user FROM unnest(texts) AS words
        ON CONFLICT ON CONSTRAINT query_embedding_pkey DO UPDATE
       SET attempts = CASE WHEN q.embedding IS NULL AND q.attempts >= {{tries}} THEN 0 ELSE q.attempts END,
           -- What waits keeps its place in the queue, whoever requests it again.
           used_at = CASE WHEN q.embedding IS NULL AND q.attempts < {{tries}} THEN q.used_at ELSE now() END;
    IF (SELECT count(*) > {{max_waiting}}
          FROM query_embedding q
         WHERE q.embedding IS NULL AND q.attempts < {{tries}} AND q.requested_by = session_user) THEN
        RAISE EXCEPTION 'more than {{max_waiting}} texts of % would wait for their embeddings', session_user
            USING ERRCODE = 'configuration_limit_exceeded',
                  HINT = 'Request fewer at a time, and wait until a worker has embedded them: SELECT * FROM search.coverage;';
    END IF;
    -- A full queue would reject the transaction; workers look for requests on their own, too.
    IF pg_notification_queue_usage() < 0.5 THEN
        PERFORM pg_notify('search_requests', name);
    END IF;
END
$$;

COMMENT ON FUNCTION search.request(text, text) IS
    'Request the embedding of words without waiting. Takes effect when the transaction commits. '
    'At most {{max_waiting}} texts of a role may wait, and it may request {{max_requests}} an hour.';
