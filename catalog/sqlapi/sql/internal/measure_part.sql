-- "4 inch" is a value of any attribute in inches or centimetres, "32 waist" the value 32 of an attribute "waist", and
-- "under 3 inch" are all values up to it; else the words of a product, or nothing that products tell.
CREATE OR REPLACE FUNCTION search_internal.measure_part(
    phrase text, about text, value text, compared text DEFAULT '', low numeric DEFAULT NULL)
RETURNS search.understood
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
RETURN (
    SELECT CASE WHEN cardinality(found.keys) > 0
                THEN ROW(NULL, NULL, NULL, NULL, found.kind, value, true, 'name', found.keys, '{}'::text[], '{}'::text[],
                         NULL, NULL, CASE compared WHEN '' THEN phrase ELSE '' END, false)::search.understood
                WHEN compared = '' AND EXISTS (
                         SELECT FROM product p
                          WHERE p.lexemes @@ search_internal.phrase(split_words(fold_text(phrase)), search_languages()))
                THEN ROW(NULL, NULL, NULL, NULL, 'number', phrase, true, 'words', '{}'::text[], '{}'::text[],
                         '{}'::text[], NULL, NULL, phrase, false)::search.understood
                ELSE ROW(NULL, NULL, NULL, NULL, 'measure', value, true, 'ignored', '{}'::text[], '{}'::text[],
                         '{}'::text[], NULL, NULL, '', false)::search.understood END
      FROM (SELECT coalesce(array_agg(key), '{}') AS keys, min(kind) AS kind
              FROM (SELECT v.key, f.kind, v.amount, low * it.amount / nullif(asked.number, 0) AS low, it.amount AS asked,
                           it.is_named, bool_or(it.is_named) OVER () AS has_named
                      FROM search_internal.quantity(phrase) AS asked
                           JOIN search.facet_value v ON v.unit IN (asked.unit, '') -- a "waist" of 32 may be inches
                           JOIN facet f ON f.name = v.facet,
                           LATERAL (SELECT fold_text(f.name || ' ' || f.label) ~ ('\m' || fold_text(about) || '\M') AS is_named,
                                           CASE v.unit WHEN asked.unit THEN asked.amount ELSE asked.number END AS amount) AS it
                     WHERE it.is_named OR v.unit <> '') AS measured
             -- a number of inches may be of any attribute, if none has the name of the dimension
             WHERE is_named = has_named
               AND CASE compared WHEN 'under' THEN amount <= asked
                                 WHEN 'over' THEN amount >= asked
                                 WHEN 'around' THEN amount BETWEEN 0.8 * asked AND 1.2 * asked
                                 WHEN 'between' THEN amount BETWEEN low AND asked
                                 ELSE abs(amount - asked) <= 0.02 * asked END) AS found);

COMMENT ON FUNCTION search_internal.measure_part(text, text, text, text, numeric) IS
    'The part of a query that gives a number of something, such as 4 inch, 32 waist or under 3 inch; "ignored" if no '
    'product tells it.';
