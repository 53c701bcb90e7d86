CREATE OR REPLACE FUNCTION search.parse(query text)
RETURNS search.parsed
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
BEGIN ATOMIC
-- The title of a product is searched as it is: "No Fear Top" negates nothing. But "red -shoe" is not the title
-- "Red shoe", although it has the same key.
WITH title AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM public.product p WHERE p.exact_keys @> ARRAY[public.exact_key(query)])
           AND (query !~ '(^|\s)[-‐‑‒–—―−]+[[:alnum:]"]' OR EXISTS (SELECT FROM public.product p WHERE p.sku = query))
           AS is_exact
),
part AS MATERIALIZED (
    SELECT * FROM search.understand(query) WHERE NOT (SELECT is_exact FROM title)
),
-- Where two persons overlap, as in "kids girls" or "4 year old boy", the overlap is meant.
narrowed AS (
    SELECT p.place, p.kind, p.phrase, p.value, p.why, p.keys, p.accepted, p.close, p.noun
      FROM (SELECT *, count(*) FILTER (WHERE alternative) OVER (ORDER BY place) AS noun FROM part) AS p
     WHERE p.wanted AND p.keys || p.accepted || p.close <> '{}'
       AND NOT (p.kind = 'person' AND EXISTS (
               SELECT FROM part o
                WHERE o.wanted AND o.kind = 'person' AND o.place <> p.place AND o.keys <> '{}'
                  AND o.keys <@ (p.keys || p.accepted)
                  AND NOT (p.keys || p.accepted) <@ (o.keys || o.accepted)))
),
-- "jeans jacket" is a jacket: the last of several types is the head, one by its name before synonyms. But a
-- "jeans jacket or skirt" is one of two.
headed AS (
    SELECT n.*, kind <> 'type' OR place = coalesce(
               max(place) FILTER (WHERE kind = 'type' AND why = 'name') OVER (PARTITION BY noun),
               max(place) FILTER (WHERE kind = 'type') OVER (PARTITION BY noun)) AS is_head
      FROM narrowed n
),
wanted AS (
    SELECT kind,
           CASE kind WHEN 'type' THEN 1 WHEN 'brand' THEN 0.7 WHEN 'colour' THEN 0.5 WHEN 'person' THEN 0.4
                     WHEN 'occasion' THEN 0.3 ELSE 0.35 END::float8 AS weight,
           (SELECT coalesce(array_agg(DISTINCT key), '{}') FROM headed o, unnest(o.keys) AS key
             WHERE o.kind = h.kind AND o.is_head) AS keys,
           (SELECT coalesce(array_agg(DISTINCT key), '{}') FROM headed o, unnest(o.accepted) AS key
             WHERE o.kind = h.kind AND o.is_head) AS accepted,
           (SELECT coalesce(array_agg(DISTINCT key), '{}')
              FROM headed o, unnest(CASE WHEN o.is_head THEN o.close ELSE o.keys || o.accepted END) AS key
             WHERE o.kind = h.kind) AS close,
           array_agg(value ORDER BY place) FILTER (WHERE is_head) AS titles,
           array_agg(phrase ORDER BY place) FILTER (WHERE is_head AND why IN ('synonym', 'translation', 'stray')) AS typed,
           array_agg(place ORDER BY place) FILTER (WHERE is_head) AS places
      FROM headed h
     GROUP BY kind
),
-- "heels but not stilettos" excludes no heels, only the word, and "blue but not navy" nothing blue.
unwanted AS (
    SELECT p.place, p.words, p.why,
           p.keys || ARRAY(SELECT unnest(p.accepted)
                           EXCEPT
                           SELECT unnest(w.keys || w.accepted) FROM wanted w WHERE w.kind = p.kind) AS keys
      FROM part p WHERE NOT p.wanted
),
priced AS (
    SELECT max(low) FILTER (WHERE why = 'price') AS low, min(high) FILTER (WHERE why = 'price') AS high,
           bool_or(kind = 'cheap' AND wanted OR kind = 'expensive' AND NOT wanted) AS is_cheap,
           (array_agg(value ORDER BY place DESC) FILTER (WHERE kind = 'sort' AND wanted))[1] AS sort,
           (array_agg(value ORDER BY place) FILTER (WHERE kind = 'code' AND wanted))[1] AS code
      FROM part WHERE kind IN ('price', 'cheap', 'expensive', 'sort', 'code')
),
cheap AS (
    SELECT sum(v.low_price * v.products) / sum(v.products) AS price
      FROM search.facet_value v
     WHERE (SELECT is_cheap FROM priced)
       AND (v.key IN (SELECT unnest(keys || accepted) FROM wanted WHERE kind = 'type')
            OR v.facet = 'category' AND NOT EXISTS (SELECT FROM wanted WHERE kind = 'type'))
),
token AS (
    SELECT p.kind IN ('word', 'quoted') AS is_word, p.why, it.word,
           lag(it.word) OVER (ORDER BY p.place, number) AS before, lead(it.word) OVER (ORDER BY p.place, number) AS after
      FROM part p,
           regexp_split_to_table(p.words, '[^[:alnum:]]+') WITH ORDINALITY AS token (typed, number),
           public.fold_text(typed) AS it (word)
     WHERE p.wanted AND typed <> '' AND p.kind NOT IN ('number', 'code') -- "shirt for 999" is not half unknown
),
word AS (
    SELECT why, is_word AND NOT EXISTS (
               SELECT FROM search.vocabulary v -- "eye shadow" is known where products say eyeshadow
                WHERE v.word IN (token.word, before || token.word, token.word || after,
                                 CASE WHEN why IN ('synonym', 'translation', 'stray')
                                      THEN public.singular(token.word) END)) AS is_unknown
      FROM token
),
-- Beside unknown words, a word of another language is rather one that the lexicon lacks: "to prune apple trees".
known AS (
    SELECT coalesce(count(*) FILTER (WHERE NOT is_unknown AND (why <> 'stray' OR NOT has_unknown))::float8
                    / nullif(count(*), 0), 1) AS share
      FROM (SELECT *, bool_or(is_unknown) OVER () AS has_unknown FROM word) AS each
),
-- A question asks for knowledge, unless it names what products are or whom they are for.
question AS (
    SELECT EXISTS (SELECT FROM part WHERE why = 'question')
           AND NOT EXISTS (SELECT FROM wanted WHERE kind IN ('type', 'person', 'occasion')) AS is_question
)
SELECT ROW(
    -- "sku 4577" is looked up as 4577
    coalesce((SELECT code FROM priced), query),
    (SELECT is_exact FROM title),
    CASE WHEN (SELECT is_exact FROM title) THEN query ELSE
        coalesce((SELECT string_agg(words, ' ' ORDER BY place) FROM part
                   WHERE wanted AND words <> '' -- "%s {}" has a letter, but no word
                  HAVING bool_or(keys || accepted || close <> '{}' OR length(words) > 1 OR ascii(lower(words)) NOT BETWEEN 97 AND 122)),
                 -- "for a 5 year old" names no words of its own
                 (SELECT string_agg(replace(value, ' or ', ' '), ' ' ORDER BY place) FROM headed), '') END,
    coalesce((SELECT string_agg(words, ', ' ORDER BY place) FROM unwanted
               WHERE why = 'unwanted' AND keys = '{}' AND words <> ''), ''),
    ARRAY(SELECT words FROM unwanted WHERE words <> '' AND (why = 'excluded' OR keys = '{}')),
    ARRAY(SELECT DISTINCT unnest(keys) FROM unwanted),
    (SELECT low FROM priced),
    (SELECT least(high, (SELECT round(price, 2) FROM cheap)) FROM priced),
    coalesce((SELECT sort FROM priced), ''),
    ARRAY(SELECT ROW(kind, weight, keys, accepted, close,
                     (SELECT string_agg(search_internal.title_phrase(it)::text, ' | ')::tsquery FROM unnest(titles) AS it),
                     (SELECT string_agg(search_internal.title_phrase(it)::text, ' | ')::tsquery FROM unnest(typed) AS it),
                     places,
                     CASE WHEN kind <> 'type' AND (SELECT bool_or(alternative) FROM part)
                          THEN search_internal.tied_parts(kind, ARRAY(SELECT p::search.understood FROM part p),
                                                          ARRAY(SELECT place FROM headed WHERE is_head)) END)::search.part
            FROM wanted w ORDER BY weight DESC, kind),
    (SELECT share FROM known),
    CASE WHEN (SELECT is_question FROM question) THEN 0
         WHEN (EXISTS (SELECT FROM headed WHERE kind = 'type' AND is_head AND why <> 'stray')
               OR (SELECT count(*) FROM wanted) > 1)
              AND NOT EXISTS (SELECT FROM part WHERE why = 'question')
         THEN 1 ELSE (SELECT share FROM known) END,
    (SELECT is_question FROM question),
    ARRAY(SELECT p::search.understood FROM part p ORDER BY place)
)::search.parsed;
END;

COMMENT ON FUNCTION search.parse(text) IS 'A query in the form in which search.products and the shop search it.';
