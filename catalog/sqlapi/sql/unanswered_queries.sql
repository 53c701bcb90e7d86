CREATE OR REPLACE VIEW search.unanswered_queries AS
SELECT text AS query, model, unanswered, searches, used_at AS last_searched
  FROM query_embedding
 WHERE unanswered > 0
 ORDER BY unanswered DESC, used_at DESC;

COMMENT ON VIEW search.unanswered_queries IS
    'Queries of shoppers that found nothing without filters, most frequent first.';
