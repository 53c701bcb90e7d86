-- No SET clause and no SECURITY DEFINER: a procedure that commits can have neither.
CREATE OR REPLACE PROCEDURE search.embed(query text, model text DEFAULT NULL, timeout interval DEFAULT '30 s')
LANGUAGE plpgsql
AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + timeout;
    words text := search.tidy(query);
    name text := search.find_model(model, 'text');
    asked record;
BEGIN
    PERFORM search.request(words, name);
    COMMIT;
    LOOP
        SELECT q.embedding IS NOT NULL AS is_embedded, q.attempts, q.reason INTO asked
          FROM public.query_embedding q WHERE q.text = words AND q.model = name;
        IF asked.is_embedded THEN
            RETURN;
        ELSIF asked.attempts >= {{tries}} THEN
            RAISE EXCEPTION '% could not be embedded: %', pg_catalog.quote_literal(words), asked.reason;
        ELSIF pg_catalog.clock_timestamp() > deadline THEN
            RAISE EXCEPTION '% is not embedded after %', pg_catalog.quote_literal(words), timeout
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
