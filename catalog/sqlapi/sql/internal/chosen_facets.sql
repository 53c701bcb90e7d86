CREATE OR REPLACE FUNCTION search_internal.chosen_facets(
    category text, product_type text, gender text, colour text, brand text, attributes jsonb)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    given jsonb := coalesce(attributes, '{}');
    asked jsonb;
    chosen text[];
    unknown text;
    wrong record;
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
    SELECT jsonb_agg(jsonb_build_object('name', name, 'value', value, 'key', name || '=' || public.fold_text(value)))
      INTO asked
      FROM (VALUES ('category', category), ('product_type', product_type), ('gender', gender),
                   ('colour', colour), ('brand', brand)
             UNION ALL
            SELECT public.fold_text(field.key), item.value #>> '{}'
              FROM jsonb_each(given) AS field,
                   LATERAL jsonb_array_elements(
                       CASE jsonb_typeof(field.value) WHEN 'array' THEN field.value
                            ELSE jsonb_build_array(field.value) END) AS item (value)
           ) AS named (name, value)
     WHERE value IS NOT NULL;
    SELECT array_agg(keys::text ORDER BY name)
      INTO chosen
      FROM (SELECT name, array_agg(DISTINCT key) AS keys
              FROM jsonb_to_recordset(asked) AS each (name text, key text)
             GROUP BY name) AS keyed;
    IF cardinality(chosen) > {{max_facets}} THEN
        RAISE EXCEPTION 'at most {{max_facets}} facets can have values, not %', cardinality(chosen)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR wrong IN
        SELECT name, value FROM jsonb_to_recordset(asked) AS each (name text, value text, key text)
         WHERE NOT EXISTS (SELECT FROM search.facet_value v WHERE v.key = each.key)
           AND NOT EXISTS (SELECT FROM product p WHERE p.facets @> ARRAY[each.key])
    LOOP
        RAISE WARNING 'no product has the % %', wrong.name, quote_literal(wrong.value)
            USING HINT = search_internal.value_hint(wrong.name, wrong.value);
    END LOOP;
    RETURN chosen;
END
$$;

COMMENT ON FUNCTION search_internal.chosen_facets(text, text, text, text, text, jsonb) IS
    'The chosen values of each facet as the text of an array of keys, such as {colour=blue,colour=red}, for search_internal.ranked.';
