CREATE OR REPLACE FUNCTION search.title_phrase(words text)
RETURNS tsquery
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(search.phrase(public.split_words(public.fold_text(words)), public.search_languages())::text,
                      '(''(?:[^''\\]|''''|\\\\)*'')', '\1:A', 'g')::tsquery;

COMMENT ON FUNCTION search.title_phrase(text) IS 'A tsquery for products with these words in their title.';
