-- What was meant with a facet value that no product has: another number or a synonym of it, a value of another facet,
-- or the value that has most pairs of letters in common.
CREATE OR REPLACE FUNCTION search_internal.value_hint(facet text, value text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = public, pg_temp
RETURN (
    WITH asked AS MATERIALIZED (
        SELECT fold_text(value) AS folded, phrase_key(value) AS key
    ),
    asked_pair AS MATERIALIZED (
        SELECT DISTINCT substr(' ' || folded || ' ', place, 2) AS pair
          FROM asked, generate_series(1, least(length(folded), 100) + 1) AS place
    ),
    own_pair AS MATERIALIZED (
        SELECT DISTINCT v.value, v.products, substr(' ' || folded || ' ', place, 2) AS pair
          FROM search.facet_value v, fold_text(v.value) AS folded,
               generate_series(1, least(length(folded), 100) + 1) AS place
         WHERE v.facet = value_hint.facet
    ),
    near AS (
        SELECT own_pair.value, products, 2.0 * count(asked_pair.pair)
                   / (count(*) + (SELECT count(*) FROM asked_pair)) AS share
          FROM own_pair LEFT JOIN asked_pair USING (pair)
         GROUP BY own_pair.value, products
    ),
    likely AS (
        SELECT format('%L', m.value) AS said, m.level::numeric AS rank, m.products
          FROM asked JOIN search.meaning m USING (key)
         WHERE m.facet = value_hint.facet
         UNION ALL
        SELECT format('%s => %L', v.facet, v.value), 3, v.products
          FROM asked JOIN search.facet_value v ON v.key = v.facet || '=' || asked.folded
         UNION ALL
        SELECT format('%L', near.value), 5 - near.share, near.products FROM near WHERE near.share >= 0.5
    )
    SELECT coalesce(
        (SELECT format('Did you mean %s?', said) FROM likely ORDER BY rank, products DESC, said LIMIT 1),
        format('See: SELECT value, products FROM search.facet_value WHERE facet = %L;', facet)));

COMMENT ON FUNCTION search_internal.value_hint(text, text) IS
    'A hint for a facet value that no product has: the value that was probably meant.';
