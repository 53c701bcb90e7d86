-- The query itself for search.embedding; the others for search.products and search.blend.
CREATE OR REPLACE FUNCTION search_internal.texts(query text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
RETURN (
    SELECT array_agg(DISTINCT left(needed, {{max_length}}))
      FROM search_internal.tidy(query) AS tidied, search.parse(tidied) AS parsed,
           unnest(ARRAY[tidied, parsed.words, parsed.avoided]) AS needed
     WHERE needed <> '');

COMMENT ON FUNCTION search_internal.texts(text) IS
    'The texts that a search with these words embeds: what is wanted, what is to be avoided, and the words themselves.';
