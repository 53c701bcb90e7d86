CREATE TYPE search.hit AS (
    place bigint, sku text, title text, brand text, category text, product_type text, gender text,
    colour text, price numeric, currency text, in_stock boolean, match float8, exact boolean,
    lexical_match float8, text_match float8, image_match float8, variants bigint, colours text[],
    image_path text, product_id bigint
);

COMMENT ON TYPE search.hit IS 'A search result. A match of 1 is a similarity that 0.1 % of unrelated pairs reach.';
