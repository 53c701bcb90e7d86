CREATE OR REPLACE FUNCTION search.recall(
    model text DEFAULT NULL, modality text DEFAULT 'image', k integer DEFAULT 10,
    sample integer DEFAULT 100, ef_search integer DEFAULT 480)
RETURNS TABLE (queries bigint, recall float8, index_ms float8, exact_ms float8)
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = 480
SET enable_indexscan = on
SET enable_seqscan = on
SET jit = off
AS $$
DECLARE
    name text := search_internal.find_model(model, coalesce(modality, ''));
    embeddings regclass := format('%I', name || '_' || modality)::regclass;
    query halfvec;
    started timestamptz;
    near float8[];
    exact float8[];
    shares float8[] := '{}';
    index_times float8[] := '{}';
    exact_times float8[] := '{}';
    statement text := format(
        'SELECT array_agg(distance)'
        '  FROM (SELECT embedding <=> $1 AS distance FROM %s ORDER BY embedding <=> $1 LIMIT $2) AS n',
        embeddings);
BEGIN
    IF k IS NULL OR k NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'k must be between 1 and 1000, not %', k USING ERRCODE = 'invalid_parameter_value';
    ELSIF sample IS NULL OR sample NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'the sample must be between 1 and 10000, not %', sample
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF ef_search IS NULL OR ef_search NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'ef_search must be between 1 and 1000, not %', ef_search
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM set_config('hnsw.ef_search', ef_search::text, true);
    FOR query IN EXECUTE format(
        'SELECT embedding FROM %s ORDER BY md5(source.ctid::text) LIMIT $1',
        embeddings || ' AS source') USING sample
    LOOP
        PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true);
        started := clock_timestamp();
        EXECUTE statement INTO near USING query, k;
        index_times := index_times || extract(epoch FROM clock_timestamp() - started)::float8;
        PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true);
        started := clock_timestamp();
        EXECUTE statement INTO exact USING query, k;
        exact_times := exact_times || extract(epoch FROM clock_timestamp() - started)::float8;
        -- By distance: of neighbours that are equally near, any will do.
        shares := shares || (SELECT count(*) FROM unnest(near) AS distance
                              WHERE distance <= (SELECT max(d) FROM unnest(exact) AS d))::float8
                            / cardinality(exact);
    END LOOP;
    RETURN QUERY SELECT cardinality(shares)::bigint, (SELECT avg(s) FROM unnest(shares) AS s),
        (SELECT 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(index_times) AS t),
        (SELECT 1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(exact_times) AS t);
END
$$;

COMMENT ON FUNCTION search.recall(text, text, integer, integer, integer) IS
    'The share of the true k nearest neighbours that the index finds, with a sample of embeddings as queries, '
    'and the median time of both: SELECT * FROM search.recall(''fashion'', ''image'', k => 10, sample => 200)';
