CREATE OR REPLACE FUNCTION search_internal.fan_out()
RETURNS integer
LANGUAGE sql STABLE
SET search_path = public, pg_temp
RETURN (
    -- Rounded, since statistics that are a little off would cost as much as another picture.
    SELECT least(20, ceil(1 + greatest(1, round((i.reltuples / greatest(1, p.reltuples))::numeric, 1))))::integer
      FROM pg_class i, pg_class p
     WHERE i.oid = 'product_image'::regclass AND p.oid = 'product'::regclass
);

COMMENT ON FUNCTION search_internal.fan_out() IS
    'Pictures to read from an index per product wanted, since a product can have several pictures.';
