-- For each phrase of shoppers, the facet values that it means: those that are called like it or like one of
-- its equals (level 0), those that it accepts (1), and those that are close (2). Relations are not chained:
-- fuchsia accepts pink, pink accepts salmon, but fuchsia does not accept salmon. Only where there is no fuchsia and no
-- pink, salmon is close. Nor do they lead to a value by a second
-- meaning of its name: cotton is close to denim, and "jean" is also a word for denim, but cotton is not close to jeans.
-- Where products have no value for a phrase, those of a wider word are close: shoes, for sneakers.
-- A phrase that leads to no value keeps the words that it means, and the kind of what the lexicon knows, such as a type,
-- if products have other values of this kind.
CREATE MATERIALIZED VIEW search.meaning AS
WITH entry AS MATERIALIZED (
    SELECT phrase_key AS source, meaning_key AS target, relation, language, phrase, meaning
      FROM public.synonym
     WHERE enabled
),
equal AS MATERIALIZED (
    SELECT source, target, language FROM entry WHERE relation = 'both' AND source <> target
     UNION
    SELECT a.source, b.target, a.language
      FROM entry a
           JOIN entry b ON b.source = a.target AND (b.language = a.language OR '' IN (a.language, b.language))
     WHERE a.relation = 'both' AND b.relation = 'both' AND a.source <> a.target AND b.source <> b.target
),
relation AS MATERIALIZED (
    SELECT source, target, CASE relation WHEN 'one-way' THEN 1 ELSE 2 END AS level
      FROM entry WHERE relation <> 'both'
     UNION
    SELECT e.source, equal.target, CASE e.relation WHEN 'one-way' THEN 1 ELSE 2 END
      FROM entry e JOIN equal ON equal.source = e.target
     WHERE e.relation <> 'both' AND e.target NOT IN (SELECT target FROM entry WHERE relation = 'both')
),
-- A value is a word in a language of the catalogue: a German Shirt is a T-shirt, an English one is none.
-- A value in another language counts where it cannot be mistaken.
spoken AS MATERIALIZED (
    SELECT source, target FROM equal
     WHERE language = '' OR language = ANY ((SELECT search_internal.language_codes())::text[])
),
foreign_word AS MATERIALIZED (
    SELECT source, target FROM equal
    EXCEPT ALL
    SELECT equal.source, equal.target
      FROM equal JOIN (SELECT source FROM spoken UNION SELECT target FROM entry) AS own USING (source)
),
-- Patterns and occasions are left out: a product can have one that no value names.
concept AS MATERIALIZED (
    SELECT key AS node, kind, phrase FROM search_internal.concept WHERE kind NOT IN ('pattern', 'occasion')
),
called AS MATERIALIZED (
    SELECT key AS facet_key, phrase_key AS node, true AS is_own FROM search.facet_value
     UNION
    SELECT v.key, word.target, v.phrase_key NOT IN (SELECT target FROM entry)
      FROM search.facet_value v
           JOIN public.facet f ON f.name = v.facet AND f.kind <> 'brand'
           JOIN (TABLE spoken UNION ALL TABLE foreign_word) AS word ON word.source = v.phrase_key
),
-- Where products have the values "Schwarz" and "Black", each means both.
named AS MATERIALIZED (
    TABLE called
     UNION
    SELECT called.facet_key, word.source, false
      FROM called
           JOIN foreign_word word ON word.target = called.node
           JOIN search.facet_value v ON v.phrase_key = word.source
           JOIN public.facet f ON f.name = v.facet AND f.kind <> 'brand'
     WHERE split_part(called.facet_key, '=', 1) = v.facet
),
direct AS MATERIALIZED (
    SELECT facet_key, node, min(level) AS level
      FROM (SELECT facet_key, node, 0 AS level FROM named
             UNION ALL
            SELECT named.facet_key, relation.source, relation.level
              FROM named JOIN relation ON relation.target = named.node AND named.is_own) AS led
     GROUP BY facet_key, node
),
-- Where products have neither house slippers nor the slippers that they accept, what slippers accept is close.
nearest AS MATERIALIZED (
    TABLE direct
     UNION ALL
    SELECT DISTINCT named.facet_key, near.source, 2
      FROM relation near
           JOIN relation far ON far.source = near.target
           JOIN named ON named.node = far.target AND named.is_own
     WHERE near.level = 1 AND far.level = 1 AND near.source NOT IN (SELECT node FROM direct)
),
-- Shoes accept sneakers, so shoes are close where there are no sneakers. Footwear accepts shoes, and is too wide then.
wider AS MATERIALIZED (
    SELECT DISTINCT named.facet_key, relation.target, relation.source
      FROM relation JOIN named ON named.node = relation.source AND named.is_own
     WHERE relation.level = 1 AND NOT EXISTS (SELECT FROM nearest WHERE nearest.node = relation.target)
       AND ((SELECT array_agg(kind) FROM concept WHERE node = relation.source)
            && (SELECT array_agg(kind) FROM concept WHERE node = relation.target)) IS NOT FALSE
),
found AS MATERIALIZED (
    TABLE nearest
     UNION ALL
    SELECT DISTINCT facet_key, target, 2
      FROM wider
     WHERE NOT EXISTS (SELECT FROM wider near JOIN relation far ON far.target = near.source AND far.level = 1
                        WHERE near.target = wider.target AND far.source = wider.source)
),
phrase AS MATERIALIZED (
    SELECT source AS node, phrase FROM entry
     UNION
    SELECT target, meaning FROM entry
     UNION
    SELECT phrase_key, value COLLATE "default" FROM search.facet_value -- "C" has ASCII letters only
),
spelling AS MATERIALIZED (
    SELECT DISTINCT node, key
      FROM phrase,
           LATERAL (VALUES (node),
                           (public.singular(regexp_replace(public.fold_text(phrase), '[^[:alnum:]]', '', 'g'))))
           AS written (key)
     WHERE key <> ''
),
leads AS MATERIALIZED (
    SELECT node AS source, facet_key, level, '' AS language FROM found
     UNION
    SELECT equal.source, n.facet_key, n.level, equal.language FROM equal JOIN found n ON n.node = equal.target
),
-- What the lexicon knows, although no product has it: watches, in a shop for shoes.
lexicon AS MATERIALIZED (
    SELECT s.key, c.kind, c.phrase, word.language
      FROM concept c
           JOIN (SELECT node AS source, node AS target, 'en' AS language FROM concept
                 UNION ALL
                 TABLE equal) AS word ON word.target = c.node
           JOIN spelling s ON s.node = word.source
     WHERE c.kind IN (SELECT f.kind FROM search.facet_value v JOIN public.facet f ON f.name = v.facet)
),
absent AS MATERIALIZED (
    SELECT lexicon.*
      FROM lexicon
           JOIN (SELECT key FROM lexicon
                 EXCEPT
                 SELECT s.key FROM spelling s JOIN leads l ON l.source = s.node) AS unmet USING (key)
)
SELECT s.key COLLATE "C" AS key, f.kind, v.facet, v.key AS facet_key, v.value, v.products,
       l.level::smallint AS level, array_agg(DISTINCT l.language) AS languages,
       bool_or(v.phrase_key = s.node) AS is_name
  FROM leads l
       JOIN spelling s ON s.node = l.source
       JOIN search.facet_value v ON v.key = l.facet_key
       JOIN public.facet f ON f.name = v.facet
 GROUP BY 1, 2, 3, 4, 5, 6, 7
 UNION ALL
SELECT s.key COLLATE "C", 'word', '', '', min(e.meaning), NULL::bigint, 0::smallint, array_agg(DISTINCT e.language), false
  FROM spelling s JOIN entry e ON e.source = s.node AND e.relation = 'both'
 WHERE NOT EXISTS (SELECT FROM leads l WHERE l.source = s.node)
 GROUP BY s.key
 UNION ALL
SELECT key COLLATE "C", kind, '', '', min(phrase), NULL::bigint, 0::smallint, array_agg(DISTINCT language), false
  FROM absent
 GROUP BY key, kind
 UNION ALL
SELECT key COLLATE "C", 'cue', '', '', c.cue, NULL::bigint, 0::smallint, array_agg(DISTINCT c.language), false
  FROM search_internal.cue c, regexp_replace(public.fold_text(c.phrase), '[^[:alnum:]]', '', 'g') AS key
 WHERE key <> ''
 GROUP BY 1, 5;

CREATE UNIQUE INDEX meaning_key ON search.meaning (key, facet_key, level, kind, value);

COMMENT ON MATERIALIZED VIEW search.meaning IS
    'What each phrase means: facet values of this catalogue, other words, or a cue such as not or under; '
    'without a facet, a kind such as type is that of a thing that no product is.';
