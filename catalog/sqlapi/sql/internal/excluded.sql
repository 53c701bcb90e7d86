CREATE OR REPLACE FUNCTION search_internal.excluded(phrases text[])
RETURNS tsquery
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
BEGIN ATOMIC
SELECT string_agg('(' || form::text || ')', ' | ')::tsquery
  FROM unnest(phrases) AS phrase,
       LATERAL (SELECT public.fold_text(left(phrase, 200)) AS folded) AS f,
       LATERAL (
           SELECT search_internal.phrase(public.split_words(folded), public.search_languages()) AS form
            UNION ALL
           -- a single word, also joined, split or in the other number
           SELECT term
             FROM search.terms(phrase, false)
            WHERE folded !~ ' ') AS forms
 WHERE form IS NOT NULL;
END;

COMMENT ON FUNCTION search_internal.excluded(text[]) IS
    'A tsquery for products that contain one of these words or phrases in any form.';
