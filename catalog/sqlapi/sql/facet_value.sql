CREATE MATERIALIZED VIEW search.facet_value AS
WITH shown AS (
    SELECT name FROM facet WHERE enabled AND role <> 'identifier'
),
counted AS (
    SELECT item.key, count(*) AS products,
           percentile_disc(0.33) WITHIN GROUP (ORDER BY p.price) AS low_price
      FROM product p, unnest(p.facets) AS unnested (key), LATERAL (SELECT key COLLATE "C") AS item (key)
     WHERE split_part(item.key, '=', 1) IN (SELECT name FROM shown)
     GROUP BY item.key
),
-- Each spelling is folded once, not once per product, in the default collation: "C" has ASCII letters only.
written AS (
    SELECT field.name, field.value COLLATE "C" AS value, count(*) AS products
      FROM product p,
           LATERAL (VALUES ('category', p.category), ('subcategory', p.subcategory),
                           ('product_type', p.product_type), ('gender', p.gender),
                           ('colour', p.colour), ('brand', p.brand), ('usage', p.usage))
           AS field (name, value)
     WHERE field.value <> ''
     GROUP BY 1, 2
     UNION ALL
    SELECT field.key, (item.value #>> '{}') COLLATE "C", count(*)
      FROM product p, jsonb_each(p.attributes) AS field,
           LATERAL jsonb_array_elements(
               CASE jsonb_typeof(field.value) WHEN 'array' THEN field.value
                    ELSE jsonb_build_array(field.value) END) AS item (value)
     WHERE jsonb_typeof(p.attributes) = 'object'
     GROUP BY 1, 2
),
spelling AS (
    SELECT public.fold_text(name) AS facet, normalize(btrim(value), NFC) AS value,
           sum(products) AS products
      FROM written
     WHERE public.fold_text(name) IN (SELECT name FROM shown)
     GROUP BY 1, 2
),
common AS (
    SELECT DISTINCT ON (facet, key) facet, key, value
      FROM (SELECT facet, facet || '=' || public.fold_text(value COLLATE "default") COLLATE "C" AS key, value, products
              FROM spelling) AS keyed
     ORDER BY facet, key, products DESC, value = initcap(value COLLATE "default") DESC, value COLLATE "C"
)
SELECT common.facet, counted.key, common.value, public.phrase_key(common.value COLLATE "default") AS phrase_key,
       counted.products, counted.low_price, measured.amount, measured.unit
  FROM counted JOIN common ON common.key = counted.key
       LEFT JOIN LATERAL (
           SELECT q.amount, q.unit FROM search_internal.quantity(common.value COLLATE "default") AS q
            WHERE common.value ~ '^\d+([.,]\d+)?\s*("|″|”|[[:alpha:]%]+)?$'
                  AND (q.unit <> '' OR common.value ~ '\d$')) AS measured ON true;

CREATE UNIQUE INDEX facet_value_key_key ON search.facet_value (key);
CREATE INDEX facet_value_phrase_key_idx ON search.facet_value (phrase_key);
CREATE INDEX facet_value_unit_idx ON search.facet_value (unit, amount) WHERE unit IS NOT NULL;
CREATE INDEX facet_value_words_idx ON search.facet_value
    USING gin (to_tsvector('pg_catalog.simple', public.split_words(public.fold_text(value COLLATE "default"))));

COMMENT ON MATERIALIZED VIEW search.facet_value IS
    'The values of the enabled facets. All spellings that differ in case, accents or spaces are one value.';
COMMENT ON COLUMN search.facet_value.facet IS 'The name of the facet, such as colour.';
COMMENT ON COLUMN search.facet_value.key IS 'The key in product.facets, such as colour=navy blue.';
COMMENT ON COLUMN search.facet_value.value IS 'The most frequent spelling, as shown.';
COMMENT ON COLUMN search.facet_value.phrase_key IS
    'public.phrase_key of the value, by which words of a query are looked up.';
COMMENT ON COLUMN search.facet_value.products IS 'The number of products that have the value.';
COMMENT ON COLUMN search.facet_value.low_price IS
    'The price that a third of these products does not exceed. NULL if none has a price.';
COMMENT ON COLUMN search.facet_value.amount IS
    'The number of a value such as "4 inch", in the base unit: 10.16 (cm). NULL if the value is no number.';
COMMENT ON COLUMN search.facet_value.unit IS
    'The base unit: cm, ml, g, oz, gb, watt, mah, mp, gsm, denier or carat; empty for a number without a unit.';
