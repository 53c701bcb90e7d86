CREATE OR REPLACE FUNCTION search_internal.completions(prefix text, max_words integer)
RETURNS TABLE (word text, lexemes text[], products integer)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT v.word::text, array_agg(v.lexeme::text), max(v.in_fields)
      FROM search.vocabulary v
     WHERE v.word >= prefix COLLATE "C" AND v.word < (prefix || chr(1114111)) COLLATE "C"
       AND v.in_fields > 0 AND v.lexeme IS NOT NULL
     GROUP BY v.word
     ORDER BY max(v.in_fields) DESC, v.word
     LIMIT max_words;
END
$$;

COMMENT ON FUNCTION search_internal.completions(text, integer) IS
    'The words of titles and attributes that begin with a folded prefix, the most frequent first, with their stems.';
