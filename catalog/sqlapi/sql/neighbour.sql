CREATE TYPE search.neighbour AS (
    place bigint, sku text, title text, brand text, category text, product_type text, gender text,
    colour text, price numeric, currency text, in_stock boolean, distance float8, product_id bigint
);

COMMENT ON TYPE search.neighbour IS 'A product near a vector; distance is the cosine distance, from 0 to 2.';
