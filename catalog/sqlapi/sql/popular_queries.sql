CREATE OR REPLACE VIEW search.popular_queries AS
SELECT text AS query, model, searches, unanswered, results, used_at AS last_searched
  FROM query_embedding
 WHERE searches > 0
 ORDER BY searches DESC, used_at DESC;

COMMENT ON VIEW search.popular_queries IS
    'What shoppers look for, the most frequent first; results is how many products the last one found.';
