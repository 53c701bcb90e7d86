CREATE MATERIALIZED VIEW search.vocabulary AS
WITH found AS (
    SELECT substr(whole.word, 2) AS word, whole.ndoc AS products, coalesce(fields.ndoc, 0) AS in_fields
      FROM ts_stat(format('SELECT lexemes FROM %s', 'product'::regclass), 'abc') AS whole
           LEFT JOIN ts_stat(format('SELECT lexemes FROM %s', 'product'::regclass), 'ab') AS fields USING (word)
     WHERE whole.word LIKE 'ʷ%' AND (fields.word IS NOT NULL OR whole.ndoc > 1)
)
SELECT DISTINCT found.word COLLATE "C" AS word, stem.lexeme COLLATE "C" AS lexeme, found.products::integer AS products,
       found.in_fields::integer AS in_fields
  FROM found
       CROSS JOIN unnest(public.search_languages()) AS language
       LEFT JOIN LATERAL unnest(to_tsvector(language, found.word)) AS stem ON true;

CREATE UNIQUE INDEX vocabulary_word_key ON search.vocabulary (word, lexeme);
CREATE INDEX vocabulary_lexeme_idx ON search.vocabulary (lexeme) INCLUDE (word, products);

COMMENT ON MATERIALIZED VIEW search.vocabulary IS
    'The words of the catalogue, except those that only one description contains.';
COMMENT ON COLUMN search.vocabulary.word IS
    'The word, folded: letters or digits. Compounds are here in parts and joined.';
COMMENT ON COLUMN search.vocabulary.lexeme IS
    'Its stem in a language of the catalogue, one row each. NULL for a stop word.';
COMMENT ON COLUMN search.vocabulary.products IS 'The number of products that contain it.';
COMMENT ON COLUMN search.vocabulary.in_fields IS
    'The number of products that have it in the title, the brand or an attribute.';
