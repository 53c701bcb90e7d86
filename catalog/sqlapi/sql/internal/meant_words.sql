CREATE OR REPLACE FUNCTION search_internal.meant_words(word text, unfinished boolean, OUT term tsquery, OUT products bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    after text := CASE WHEN unfinished THEN chr(1114111) ELSE '' END;
BEGIN
    SELECT string_agg(phrase::text, ' | ')::tsquery, max(meant.products)
      INTO term, products
      FROM (SELECT m.value, max(m.products) AS products
              FROM unnest(ARRAY[word, public.singular(word)]) AS start
                   JOIN search.meaning m ON m.key >= start COLLATE "C" AND m.key <= (start || after) COLLATE "C"
             WHERE m.level = 0 AND m.facet_key <> ''
             GROUP BY m.value
             ORDER BY max(m.products) DESC, m.value
             LIMIT {{max_completions}}) AS meant,
           search_internal.phrase(public.split_words(public.fold_text(value COLLATE "default")),
                                  public.search_languages()) AS phrase;
END
$$;

COMMENT ON FUNCTION search_internal.meant_words(text, boolean) IS
    'A tsquery for products with a facet value that a folded word means, such as red for "rote", and how many have the '
    'most frequent one; NULL if it means none.';
