CREATE OR REPLACE FUNCTION search_internal.suggested_products(read search_internal.typed_query, max_rows integer)
RETURNS SETOF search.suggestion
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
BEGIN
    RETURN QUERY
    WITH titled AS (
        SELECT p.*, coalesce(v.leader_id, p.id) AS leader, ' ' || public.split_words(public.fold_text(p.title)) AS words
          FROM public.product p LEFT JOIN public.product_variant v ON v.product_id = p.id
         WHERE p.id = ANY (read.found)
    ),
    ranked AS (
        SELECT titled.*,
               row_number() OVER (ORDER BY in_stock DESC, missing, strpos(words, array_to_string(read.words, ' ')) <> 2,
                                           id DESC) AS place
          FROM titled,
               LATERAL (SELECT count(*) FROM unnest(read.words) AS word WHERE strpos(words, ' ' || word) = 0) AS counted (missing)
    ),
    once AS (
        SELECT DISTINCT ON (lower(title)) *
          FROM (SELECT DISTINCT ON (leader) * FROM ranked ORDER BY leader, place) AS leaders
         ORDER BY lower(title), place
    )
    SELECT 'product', title, '', '', '', NULL::bigint, sku, coalesce(i.path, ''), read.matched
      FROM (SELECT * FROM once ORDER BY place LIMIT max_rows) AS first
           LEFT JOIN public.product_image i ON i.product_id = first.id AND i.position = 0
     ORDER BY place;
END
$$;

COMMENT ON FUNCTION search_internal.suggested_products(search_internal.typed_query, integer) IS
    'Products for search.suggest: those in stock first, then those with all words in the title. Variants are one product.';
