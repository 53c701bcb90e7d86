CREATE OR REPLACE VIEW search.popular_queries AS
WITH spelling AS (
    SELECT key, text, sum(searches) AS searches, sum(unanswered) AS unanswered, max(searched_at) AS searched_at,
           (array_agg(results ORDER BY searched_at DESC))[1] AS results
      FROM query_log
     GROUP BY key, text
),
misspelling AS (
    SELECT key, array_agg(misspelt ORDER BY searches DESC, misspelt) AS misspelt
      FROM (SELECT key, misspelt, sum(searches) AS searches
              FROM query_log WHERE misspelt <> '' GROUP BY key, misspelt) AS counted
     GROUP BY key
)
SELECT (array_agg(text ORDER BY searches DESC, searched_at DESC, text))[1] AS query,
       sum(searches)::bigint AS searches, sum(unanswered)::bigint AS unanswered,
       (array_agg(results ORDER BY searched_at DESC))[1] AS results, max(searched_at) AS last_searched,
       coalesce(misspelt, '{}') AS misspelt
  FROM spelling LEFT JOIN misspelling USING (key)
 GROUP BY key, misspelt
 ORDER BY searches DESC, last_searched DESC;

COMMENT ON VIEW search.popular_queries IS
    'The queries of shoppers, most frequent first. Queries that differ only in case, accents or spaces are one.';
COMMENT ON COLUMN search.popular_queries.query IS
    'The words that were searched for, in the most frequent of their spellings.';
COMMENT ON COLUMN search.popular_queries.unanswered IS 'How many of the searches found nothing without filters.';
COMMENT ON COLUMN search.popular_queries.results IS 'The number of products that the last search found.';
COMMENT ON COLUMN search.popular_queries.misspelt IS
    'Queries as typed whose spelling was corrected to this one, most frequent first; their searches count here.';
