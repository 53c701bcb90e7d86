-- No SET clause and no SECURITY DEFINER: a procedure that commits can have neither.
CREATE OR REPLACE PROCEDURE search.embed(query text, model text DEFAULT NULL, timeout interval DEFAULT '30 s')
LANGUAGE plpgsql
AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + timeout;
    texts text[] := search_internal.texts(query);
    name text := search_internal.find_model(model, 'text');
    asked record;
BEGIN
    PERFORM search.request(query, name);
    COMMIT;
    LOOP
        SELECT q.text, q.attempts, q.reason INTO asked
          FROM public.query_embedding q
         WHERE q.text = ANY (texts) AND q.model = name AND q.embedding IS NULL
         ORDER BY q.attempts DESC
         LIMIT 1;
        IF NOT FOUND THEN
            RETURN;
        ELSIF asked.attempts >= {{tries}} THEN
            RAISE EXCEPTION '% could not be embedded: %', pg_catalog.quote_literal(asked.text), asked.reason;
        ELSIF pg_catalog.clock_timestamp() > deadline THEN
            RAISE EXCEPTION '% is not embedded after %', pg_catalog.quote_literal(asked.text), timeout
                USING ERRCODE = 'query_canceled',
                      HINT = 'Is a worker running? Start one: ./manage.py embedding_worker';
        END IF;
        COMMIT;
        PERFORM pg_catalog.pg_sleep(0.02);
    END LOOP;
END
$$;

COMMENT ON PROCEDURE search.embed(text, text, interval) IS
    'Request the embedding of words and wait for it. It commits, so do not call it in a transaction.';
