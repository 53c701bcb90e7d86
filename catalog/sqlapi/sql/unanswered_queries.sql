CREATE OR REPLACE VIEW search.unanswered_queries AS
SELECT text AS query, model, unanswered, searches, used_at AS last_searched
  FROM query_embedding
 WHERE unanswered > 0
 ORDER BY unanswered DESC, used_at DESC;

COMMENT ON VIEW search.unanswered_queries IS
    'What shoppers look for and find nothing for, though they set no filter; the most frequent first.';
