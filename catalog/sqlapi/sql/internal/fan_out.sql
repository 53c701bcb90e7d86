CREATE OR REPLACE FUNCTION search_internal.fan_out()
RETURNS float8
LANGUAGE sql STABLE
SET search_path = public, pg_temp
RETURN (
    SELECT CASE WHEN pictures <= 1.01 THEN {{min_fan_out}} ELSE least(20, ceil(1 + pictures)) END
      FROM (SELECT i.reltuples / greatest(1, p.reltuples) AS pictures
              FROM pg_class i, pg_class p
             WHERE i.oid = 'product_image'::regclass AND p.oid = 'product'::regclass) AS per_product
);

COMMENT ON FUNCTION search_internal.fan_out() IS
    'Pictures to read from an index per product wanted, since a product can have several pictures.';
