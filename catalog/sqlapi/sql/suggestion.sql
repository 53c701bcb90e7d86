CREATE TYPE search.suggestion AS (
    kind text, text text, words text, facet text, value text, products bigint, sku text, image_path text, matched text
);

COMMENT ON TYPE search.suggestion IS
    'What a shopper may mean: a query, a facet value with the words before it, a brand, or a product.';
