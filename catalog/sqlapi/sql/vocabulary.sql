CREATE MATERIALIZED VIEW search.vocabulary AS
WITH fields AS (
    SELECT word, ndoc AS products
      FROM ts_stat(format($sql$
               SELECT to_tsvector('pg_catalog.simple', concat_ws(' ', title, brand, colour,
                      product_type, category, subcategory, gender, usage))
                 FROM %s$sql$, 'product'::regclass))
),
whole AS (
    SELECT word, ndoc AS products
      FROM ts_stat(format($sql$
               SELECT to_tsvector('pg_catalog.simple', concat_ws(' ', title, brand, colour,
                      product_type, category, subcategory, gender, usage, description))
                 FROM %s$sql$, 'product'::regclass))
)
SELECT word COLLATE "C" AS word,
       (SELECT english.lexeme
          FROM unnest(to_tsvector('pg_catalog.english', word)) AS english
         ORDER BY english.positions[1]
         LIMIT 1) AS lexeme,
       whole.products
  FROM whole LEFT JOIN fields USING (word)
 WHERE fields.word IS NOT NULL OR whole.products > 1;

CREATE UNIQUE INDEX vocabulary_word_key ON search.vocabulary (word);
CREATE INDEX vocabulary_lexeme_idx ON search.vocabulary (lexeme);

COMMENT ON MATERIALIZED VIEW search.vocabulary IS
    'The words of the catalogue, except those that only one description contains.';
COMMENT ON COLUMN search.vocabulary.word IS 'The word in lower case.';
COMMENT ON COLUMN search.vocabulary.lexeme IS
    'Its lexeme in the configuration english, for a compound the whole one. NULL for a stop word.';
COMMENT ON COLUMN search.vocabulary.products IS 'The number of products that contain it.';
