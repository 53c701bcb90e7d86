CREATE OR REPLACE FUNCTION search_internal.chosen_facets(
    category text, product_type text, gender text, colour text, brand text, attributes jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    given jsonb := coalesce(attributes, '{}');
    chosen text[];
    unknown text;
BEGIN
    IF jsonb_typeof(given) <> 'object' THEN
        RAISE EXCEPTION 'attributes must be a JSON object, not %', given
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example: ''{"size": ["L", "XL"]}''';
    END IF;
    SELECT field INTO unknown
      FROM jsonb_object_keys(given) AS field
     WHERE public.fold_text(field) NOT IN (SELECT name FROM facet WHERE role <> 'identifier')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no facet %', quote_literal(unknown)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'See: SELECT name, label FROM facet;';
    END IF;
    SELECT array_agg(keys::text ORDER BY name)
      INTO chosen
      FROM (SELECT name, array_agg(DISTINCT name || '=' || public.fold_text(value)) AS keys
              FROM (VALUES ('category', category), ('product_type', product_type), ('gender', gender),
                           ('colour', colour), ('brand', brand)
                     UNION ALL
                    SELECT public.fold_text(field.key), item.value #>> '{}'
                      FROM jsonb_each(given) AS field,
                           LATERAL jsonb_array_elements(
                               CASE jsonb_typeof(field.value) WHEN 'array' THEN field.value
                                    ELSE jsonb_build_array(field.value) END) AS item (value)
                   ) AS asked (name, value)
             WHERE value IS NOT NULL
             GROUP BY name) AS keyed;
    IF cardinality(chosen) > {{max_facets}} THEN
        RAISE EXCEPTION 'at most {{max_facets}} facets can have values, not %', cardinality(chosen)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN chosen;
END
$$;

COMMENT ON FUNCTION search_internal.chosen_facets(text, text, text, text, text, jsonb) IS
    'The chosen values of each facet as the text of an array of keys, such as {colour=blue,colour=red}, for search_internal.ranked.';
