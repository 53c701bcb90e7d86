CREATE OR REPLACE FUNCTION search_internal.suggested_queries(typed text, read search_internal.typed_query, max_rows integer)
RETURNS SETOF search.suggestion
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    -- the parts of a compound before the last one, such as "t" of "t-shi"
    compound CONSTANT text := regexp_replace(substring(read.head, '[^ ]+$'), '[^[:alnum:]]+', '', 'g');
BEGIN
    RETURN QUERY
    WITH completion AS (
        SELECT place, word,
               CASE cardinality(read.words) WHEN 1 THEN 1
                    ELSE (SELECT count(*) FROM public.product p
                           WHERE p.id = ANY (read.found) AND p.lexemes @@ ('''ʷ' || word || '''')::tsquery) END AS products
          FROM unnest(read.completed) WITH ORDINALITY AS completed (word, place)
    ),
    -- with accents, as the products have them
    written AS (
        SELECT DISTINCT ON (folded) public.fold_text(word) AS folded, lower(word) AS word
          FROM public.product p,
               regexp_split_to_table(concat_ws(' ', p.title, p.brand, p.colour, p.product_type), '[^[:alnum:]]+') AS word,
               public.fold_text(word) AS folded
         WHERE p.id = ANY (read.found) AND octet_length(word) > length(word)
    ),
    query AS (
        SELECT 1 AS source, row_number() OVER (ORDER BY searches DESC, key) AS place, query AS text, results AS products
          FROM search.suggested_query
         WHERE key >= read.matched COLLATE "C" AND key < (read.matched || chr(1114111)) COLLATE "C"
         UNION ALL
        SELECT 2, row_number() OVER (ORDER BY completion.products DESC, place),
               read.head || coalesce(written.word, completion.word), NULL
          FROM completion LEFT JOIN written ON written.folded = completion.word
         WHERE (completion.products > 0 OR read.found = '{}') -- products that are not quite as asked are found too
           AND (compound IS NULL OR EXISTS (SELECT FROM search.vocabulary v WHERE v.word = compound || completion.word))
    ),
    once AS (
        SELECT DISTINCT ON (public.phrase_key(text)) source, place, text, products
          FROM query
         WHERE public.fold_text(text) <> public.fold_text(typed)
         ORDER BY public.phrase_key(text), source, place
    )
    SELECT 'query', text, text, '', '', products, '', '', read.matched
      FROM once
     ORDER BY source, place
     LIMIT max_rows;
END
$$;

COMMENT ON FUNCTION search_internal.suggested_queries(text, search_internal.typed_query, integer) IS
    'Queries of other shoppers that begin as typed, then completions of the last word, for search.suggest.';
