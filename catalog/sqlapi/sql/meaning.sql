-- For each phrase of shoppers, the facet values that it means. A phrase leads to a concept by its own
-- synonyms, from there to other concepts, and at last to the values that are called like one of them.
-- Phrases that lead to no value keep the words that they mean.
CREATE MATERIALIZED VIEW search.meaning AS
WITH RECURSIVE edge AS (
    SELECT public.phrase_key(phrase) AS source, public.phrase_key(meaning) AS target,
           CASE relation WHEN 'both' THEN 0 WHEN 'one-way' THEN 1 ELSE 2 END::smallint AS level,
           language, phrase, meaning
      FROM public.synonym
     WHERE enabled
),
named AS (
    SELECT facet, key AS facet_key, value, products, phrase_key AS node, 0::smallint AS level
      FROM search.facet_value
     UNION
    SELECT v.facet, v.key, v.value, v.products, e.target, 0
      FROM search.facet_value v
           JOIN edge e ON e.source = v.phrase_key AND e.level = 0
           JOIN public.facet f ON f.name = v.facet AND f.kind <> 'brand'
),
reached (facet_key, node, level, steps) AS (
    SELECT facet_key, node, level, 0 FROM named
     UNION
    SELECT r.facet_key, e.source, greatest(r.level, e.level), r.steps + 1
      FROM reached r JOIN edge e ON e.target = r.node
     WHERE r.steps < 5 AND (r.level < 2 OR e.level < 2)
),
phrase (node, key, language, phrase) AS (
    SELECT e.source, unnest(ARRAY[e.source, public.singular(translate(public.fold_text(e.phrase), ' -''', ''))]),
           e.language, e.phrase
      FROM edge e
     UNION
    SELECT e.target, unnest(ARRAY[e.target, public.singular(translate(public.fold_text(e.meaning), ' -''', ''))]),
           '', e.meaning
      FROM edge e
     UNION
    SELECT v.phrase_key, unnest(ARRAY[v.phrase_key, public.singular(translate(public.fold_text(v.value), ' -''', ''))]),
           '', v.value
      FROM search.facet_value v
)
SELECT p.key COLLATE "C" AS key, f.kind, v.facet, v.key AS facet_key, v.value, v.products,
       min(r.level) AS level, array_agg(DISTINCT p.language) AS languages,
       bool_or(v.phrase_key = p.node) AS is_name
  FROM reached r
       JOIN phrase p USING (node)
       JOIN search.facet_value v ON v.key = r.facet_key
       JOIN public.facet f ON f.name = v.facet
 WHERE p.key <> ''
 GROUP BY 1, 2, 3, 4, 5, 6
 UNION ALL
SELECT p.key COLLATE "C", 'word', '', '', min(e.meaning), NULL::bigint, 0::smallint, array_agg(DISTINCT p.language), false
  FROM phrase p JOIN edge e ON e.source = p.node AND e.level = 0
 WHERE NOT EXISTS (SELECT FROM reached r WHERE r.node = p.node) AND p.key <> ''
 GROUP BY p.key
 UNION ALL
SELECT DISTINCT public.phrase_key(c.phrase) COLLATE "C", 'cue', '', '', c.cue, NULL::bigint, 0::smallint,
       ARRAY['']::text[], false
  FROM search.cue c
 WHERE public.phrase_key(c.phrase) <> '';

CREATE UNIQUE INDEX meaning_key ON search.meaning (key, facet_key, kind, value);

COMMENT ON MATERIALIZED VIEW search.meaning IS
    'What each phrase means: facet values of this catalogue, other words, or a cue such as not or under.';
