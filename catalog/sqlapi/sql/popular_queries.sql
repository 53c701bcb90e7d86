CREATE OR REPLACE VIEW search.popular_queries AS
SELECT text AS query, model, searches, unanswered, results, used_at AS last_searched
  FROM query_embedding
 WHERE searches > 0
 ORDER BY searches DESC, used_at DESC;

COMMENT ON VIEW search.popular_queries IS
    'The queries of shoppers, most frequent first; results is the number of products that the last search found.';
