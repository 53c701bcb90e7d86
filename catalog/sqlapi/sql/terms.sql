-- A body in SQL, not a string: its tables are resolved now, regardless of search_path.
CREATE OR REPLACE FUNCTION search.terms(query text)
RETURNS TABLE (term tsquery, title_term tsquery, weight float8)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning -- hides the notice about stop words
BEGIN ATOMIC
WITH token AS (
    SELECT lower(parsed.token) AS token,
           parsed.tokid BETWEEN 15 AND 17 AS hyphenated,
           parsed.place,
           parsed.place = max(parsed.place) OVER () AS is_last
      FROM ts_parse('default', left(query, 2000))
           WITH ORDINALITY AS parsed (tokid, token, place)
     WHERE parsed.tokid NOT IN (9, 10, 11, 12, 13, 14, 23) -- parts of compounds, white space, markup
     ORDER BY parsed.place
     LIMIT 32
),
word AS (
    SELECT DISTINCT ON (matches)
           token, as_one, matches, place,
           CASE WHEN is_last AND length(token) >= 3 THEN token END AS prefix
      FROM token
           CROSS JOIN LATERAL (
               SELECT replace(token, '-', '') AS as_one,
                      phraseto_tsquery('english', replace(token, '-', ' ')) AS apart,
                      2 * cardinality(string_to_array(token, '-')) - 1 AS nodes) AS written
           CROSS JOIN LATERAL (
               SELECT phraseto_tsquery('english', token)
                      || CASE WHEN hyphenated THEN plainto_tsquery('english', as_one) ELSE '' END
                      -- without the stop word, "t-shirt" would match any shirt
                      || CASE WHEN hyphenated AND numnode(apart) = nodes THEN apart ELSE '' END
                      AS matches) AS made
     WHERE length(token) <= 100 -- the longest lexeme is 2046 bytes
       AND numnode(matches) > 0
     ORDER BY matches, is_last DESC, place
),
finished AS (
    SELECT place, prefix,
           CASE WHEN prefix IS NULL THEN matches
                ELSE matches || (array_to_tsvector(ARRAY[prefix])::text || ':*')::tsquery
           END AS term,
           ARRAY(SELECT lexeme
                   FROM unnest(ARRAY[token, as_one]) AS form,
                        unnest(to_tsvector('english', form))
                  WHERE positions[1] = 1) AS lexemes
      FROM word
),
counted AS (
    SELECT place, term,
           (SELECT coalesce(sum(known.products), 0)
              FROM search.vocabulary AS known
             WHERE known.lexeme = ANY (lexemes)
                OR (known.word >= prefix AND known.word < prefix || chr(1114111))) AS products
      FROM finished
)
SELECT term,
       regexp_replace(term::text, '(''(?:[^''\\]|''''|\\\\)*'')(?::(\*))?', '\1:\2A', 'g')::tsquery,
       ln(1 + (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'product'::regclass)::float8
              / (1 + products))
  FROM counted
 ORDER BY place;
END;

COMMENT ON FUNCTION search.terms(text) IS
    'The words of a query, each as a separate tsquery, with its inverse document frequency.';
