CREATE OR REPLACE FUNCTION search.parse(query text)
RETURNS search.parsed
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    parts search.understood[];
    part search.understood;
    counted search.understood[]; -- the parts that are wanted and mean something
    heads integer[];
    wanted search.part[];
    kind search.part;
    parsed search.parsed := ROW(query, false, '', '', '{}', '{}', NULL, NULL, '', '{}', 1, 1, false, '{}');
    is_word boolean := false;    -- whether the words are more than a letter or signs
    is_cheap boolean := false;
    has_question boolean := false;
    keys text[];
    cheap numeric;
    said tsquery;                -- all words, in a title
BEGIN
    -- The title of a product is searched as it is: "No Fear Top" negates nothing. But "red -shoe" is not the title
    -- "Red shoe", although it has the same key.
    IF EXISTS (SELECT FROM public.product p WHERE p.exact_keys @> ARRAY[public.exact_key(query)])
       AND (query !~ '(^|\s)[-‐‑‒–—―−]+[[:alnum:]"]' OR EXISTS (SELECT FROM public.product p WHERE p.sku = query)) THEN
        parsed.is_exact := true;
        parsed.words := query;
        RETURN parsed;
    END IF;
    parts := ARRAY(SELECT u FROM search.understand(query) AS u);
    SELECT h.counted, h.heads INTO counted, heads FROM search_internal.headed_parts(parts) AS h;
    wanted := search_internal.wanted_kinds(parts, counted, heads);
    IF cardinality(wanted) > 0 THEN
        said := search_internal.all_words(parts);
        FOR number IN 1..cardinality(wanted) LOOP
            wanted[number].typed := coalesce(wanted[number].typed || said, said, wanted[number].typed);
        END LOOP;
    END IF;
    parsed.understood := parts;
    parsed.wanted := wanted;
    parsed.share := search_internal.known_share(parts);
    FOREACH part IN ARRAY parts LOOP
        has_question := has_question OR part.why = 'question';
        IF part.kind IN ('price', 'cheap', 'expensive', 'sort', 'code') THEN
            IF part.why = 'price' THEN
                parsed.min_price := greatest(parsed.min_price, part.low);
                parsed.max_price := least(parsed.max_price, part.high);
            ELSIF part.kind = 'code' AND part.wanted AND parsed.typed = query THEN
                parsed.typed := part.value; -- "sku 4577" is looked up as 4577
            ELSIF part.kind = 'sort' AND part.wanted THEN
                parsed.sort := part.value;
            END IF;
            is_cheap := is_cheap OR part.kind = CASE WHEN part.wanted THEN 'cheap' ELSE 'expensive' END;
        END IF;
        IF part.wanted THEN
            CONTINUE WHEN part.words = '';
            parsed.words := parsed.words || CASE parsed.words WHEN '' THEN '' ELSE ' ' END || part.words;
            -- "%s {}" has a letter, but no word
            is_word := is_word OR part.keys || part.accepted || part.close <> '{}' OR length(part.words) > 1
                               OR ascii(lower(part.words)) NOT BETWEEN 97 AND 122;
            CONTINUE;
        END IF;
        -- "heels but not stilettos" excludes no heels, only the word, and "blue but not navy" nothing blue.
        keys := part.accepted;
        FOREACH kind IN ARRAY wanted LOOP
            CONTINUE WHEN kind.kind <> part.kind OR part.accepted = '{}';
            keys := ARRAY(SELECT unnest(keys) EXCEPT SELECT unnest(kind.keys || kind.accepted));
        END LOOP;
        keys := part.keys || keys;
        parsed.unwanted := parsed.unwanted || keys;
        CONTINUE WHEN part.words = '';
        IF part.why = 'excluded' OR keys = '{}' THEN
            parsed.excluded := parsed.excluded || part.words;
        END IF;
        IF part.why = 'unwanted' AND keys = '{}' THEN
            parsed.avoided := parsed.avoided || CASE parsed.avoided WHEN '' THEN '' ELSE ', ' END || part.words;
        END IF;
    END LOOP;
    parsed.unwanted := search_internal.distinct_keys(parsed.unwanted);
    IF NOT is_word THEN
        parsed.words := '';
        FOREACH part IN ARRAY counted LOOP -- "for a 5 year old" names no words of its own
            parsed.words := parsed.words || CASE parsed.words WHEN '' THEN '' ELSE ' ' END
                            || replace(part.value, ' or ', ' ');
        END LOOP;
    END IF;
    IF is_cheap THEN
        keys := NULL;
        FOREACH kind IN ARRAY wanted LOOP
            keys := CASE kind.kind WHEN 'type' THEN kind.keys || kind.accepted ELSE keys END;
        END LOOP;
        SELECT round(sum(v.low_price * v.products) / sum(v.products), 2)
          INTO cheap
          FROM search.facet_value v
         WHERE v.key = ANY (keys) OR v.facet = 'category' AND keys IS NULL;
        parsed.max_price := least(parsed.max_price, cheap);
    END IF;
    parsed.certainty := CASE WHEN cardinality(wanted) > 1 AND NOT has_question THEN 1 ELSE parsed.share END;
    FOREACH part IN ARRAY counted LOOP
        IF part.kind = 'type' AND part.place = ANY (heads) AND part.why <> 'stray' AND NOT has_question THEN
            parsed.certainty := 1;
        END IF;
    END LOOP;
    -- A question asks for knowledge, unless it names what products are or whom they are for.
    IF has_question THEN
        parsed.is_question := true;
        FOREACH kind IN ARRAY wanted LOOP
            parsed.is_question := parsed.is_question AND kind.kind NOT IN ('type', 'person', 'occasion');
        END LOOP;
        IF parsed.is_question THEN
            parsed.certainty := 0;
        END IF;
    END IF;
    IF parsed.sort <> '' THEN
        kind := search_internal.said_words(parts, wanted);
        IF kind.kind IS NOT NULL THEN
            parsed.wanted := wanted || kind;
        END IF;
    END IF;
    RETURN parsed;
END
$$;

COMMENT ON FUNCTION search.parse(text) IS 'A query in the form in which search.products and the shop search it.';
