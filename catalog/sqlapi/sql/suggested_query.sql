-- The words must be known: nobody can make others read what is no word of the catalogue, and no personal data gets here.
CREATE MATERIALIZED VIEW search.suggested_query AS
SELECT public.fold_text(query) COLLATE "C" AS key, query, searches, results
  FROM search.popular_queries
 WHERE {{suggest_after}} > 0 AND searches >= {{suggest_after}}
   AND results > 0 AND 2 * unanswered < searches
   AND query !~ '[0-9]{5}'
   AND NOT EXISTS (SELECT FROM string_to_table(public.split_words(public.fold_text(query)), ' ') AS word
                    WHERE word !~ '^[0-9]+$' AND length(word) > 1 AND NOT search_internal.is_known(word));

CREATE UNIQUE INDEX suggested_query_key ON search.suggested_query (key);

COMMENT ON MATERIALIZED VIEW search.suggested_query IS
    'Queries that are suggested to other shoppers: frequent ones that found something, of words that the catalogue or its synonyms have.';
COMMENT ON COLUMN search.suggested_query.key IS 'The folded query.';
COMMENT ON COLUMN search.suggested_query.query IS 'The query, in the most frequent of its spellings.';
COMMENT ON COLUMN search.suggested_query.searches IS 'How often it was searched for.';
COMMENT ON COLUMN search.suggested_query.results IS 'The number of products that the last search found.';
