CREATE OR REPLACE VIEW search.unanswered_queries AS
SELECT query, unanswered, searches, last_searched
  FROM search.popular_queries
 WHERE unanswered > 0
 ORDER BY unanswered DESC, last_searched DESC;

COMMENT ON VIEW search.unanswered_queries IS
    'Queries of shoppers that found nothing without filters, most frequent first.';
