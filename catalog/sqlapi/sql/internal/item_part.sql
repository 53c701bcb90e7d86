-- A phrase is searched as typed if products have its words, else by the name of what it means.
CREATE OR REPLACE FUNCTION search_internal.item_part(typed text, item search_internal.query_item, is_negated boolean)
RETURNS search.understood
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    phrase text := substr(typed, item.start + 1, item.stop - item.start);
    part search.understood := ROW(
        NULL, NULL, NULL, item.stop, item.kind, item.value, NOT is_negated AND NOT item.excluded,
        CASE WHEN item.excluded THEN 'excluded' WHEN is_negated THEN 'unwanted'
             WHEN item.is_name THEN 'name'
             WHEN item.kind IN ('number', 'quoted') OR item.value = phrase THEN 'words'
             WHEN item.is_stray THEN 'stray'
             WHEN item.is_foreign THEN 'translation'
             ELSE 'synonym' END,
        item.keys, item.accepted, item.close, NULL, NULL,
        CASE item.kind WHEN 'person' THEN replace(item.value, ' or ', ' ') ELSE item.value END, NULL);
    is_absent boolean := item.kind IN ('type', 'colour', 'person', 'material')
                         AND item.keys || item.accepted || item.close = '{}';
    is_typed boolean := item.is_name OR NOT part.wanted;
    has_sign boolean := strpos(item.value, '&') > 0; -- "H&M", which may be "HM"
BEGIN
    IF is_absent AND part.wanted THEN
        IF item.is_stray THEN
            part.kind := 'word';
            part.why := 'stray';
        ELSE
            part.why := 'absent';
        END IF;
    END IF;
    IF is_typed THEN
        NULL;
    ELSIF item.kind = 'word' AND has_sign THEN
        is_typed := EXISTS (SELECT FROM public.product p
                             WHERE p.lexemes @@ (SELECT term FROM search.terms(part.value) LIMIT 1));
    ELSE
        is_typed := search_internal.is_written(phrase);
    END IF;
    IF is_typed THEN
        part.words := btrim(phrase, '"');
    ELSIF item.kind = 'word' AND part.why = 'words'
          AND (has_sign OR NOT search_internal.is_known(public.fold_text(part.value))) THEN -- "nikee" has the stem of Nike
        part.why := 'unknown';
    END IF;
    RETURN part;
END
$$;

COMMENT ON FUNCTION search_internal.item_part(text, search_internal.query_item, boolean) IS
    'The part of a query that a word, a quoted phrase or a value is, for search.understand.';
