-- "black shoes or white heels" are no black heels: where each of several types has its own colours, they are tied to it.
-- The narrowest type of a product counts. In "blue jeans or maroon tops", the jeans have any colour. Of the parts, only
-- those at the places `heads` count.
CREATE OR REPLACE FUNCTION search_internal.tied_parts(kind text, parts search.understood[], heads integer[])
RETURNS search.tied[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
BEGIN
RETURN (
    WITH headed AS (
        SELECT *
          FROM (SELECT *, count(*) FILTER (WHERE alternative) OVER (ORDER BY place) AS noun FROM unnest(parts)) AS p
         WHERE p.place = ANY (heads)
    ),
    noun AS (
        SELECT h.noun, array_agg(key) AS types, max(h.place) AS place, min(h.phrase) AS phrase
          FROM headed h, unnest(h.keys || h.accepted) AS key
         WHERE h.kind = 'type'
         GROUP BY h.noun
    ),
    said AS (
        SELECT bool_and(h.noun > 0 AND h.place < noun.place) AS is_before
          FROM headed h JOIN noun USING (noun)
         WHERE h.kind = tied_parts.kind
    ),
    each AS (
        SELECT noun.noun, noun.types,
               (SELECT array_agg(DISTINCT key) FROM headed h, unnest(h.keys || h.accepted || h.close) AS key
                 WHERE h.noun = noun.noun AND h.kind = tied_parts.kind) AS own,
               said.is_before OR EXISTS (
                   SELECT FROM regexp_split_to_table(public.fold_text(noun.phrase), '[^[:alnum:]]+') AS word
                               JOIN search.meaning m ON m.key = public.singular(word)
                    WHERE m.kind = tied_parts.kind AND m.level = 0
                      AND NOT EXISTS (SELECT FROM search.meaning c WHERE c.key = m.key AND c.kind = 'cue')) AS is_any
          FROM noun, said
    )
    SELECT CASE WHEN bool_and(own IS NOT NULL OR is_any)
                THEN array_agg(ROW(types, own)::search.tied ORDER BY cardinality(types), noun) END
      FROM each);
END
$$;

COMMENT ON FUNCTION search_internal.tied_parts(text, search.understood[], integer[]) IS
    'What a query says of one kind, such as colours, about each of several types; NULL if it is said about all.';
