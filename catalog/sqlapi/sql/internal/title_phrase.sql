CREATE OR REPLACE FUNCTION search_internal.title_phrase(words text)
RETURNS tsquery
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN regexp_replace(search_internal.phrase(public.split_words(public.fold_text(words)), public.search_languages())::text,
                          '(''(?:[^''\\]|''''|\\\\)*'')', '\1:A', 'g')::tsquery;
END
$$;

COMMENT ON FUNCTION search_internal.title_phrase(text) IS 'A tsquery for products with these words in their title.';
