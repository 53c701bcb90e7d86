-- "latest adidas shoes" sorts all shoes by date, so the order of words would be lost: with an order, the other words are
-- a wanted part too. A word counts if a product of the type has it together with the words before it.
CREATE OR REPLACE FUNCTION search_internal.said_words(parts search.understood[], wanted search.part[])
RETURNS search.part
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    keys text[];
    part search.understood;
    kind search.part;
    word tsquery;
    said tsquery;
    more tsquery;
    places integer[] := '{}';
BEGIN
    FOREACH kind IN ARRAY wanted LOOP
        keys := CASE kind.kind WHEN 'type' THEN search_internal.part_keys(kind) ELSE keys END;
    END LOOP;
    FOREACH part IN ARRAY parts LOOP
        CONTINUE WHEN part.kind NOT IN ('word', 'quoted') OR NOT part.wanted OR part.why IN ('unknown', 'question');
        FOR word IN SELECT term FROM search.terms(part.words, false) LOOP
            more := coalesce(said && word, word);
            IF EXISTS (SELECT FROM public.product p WHERE p.lexemes @@ more AND (keys IS NULL OR p.facets && keys)) THEN
                said := more;
                places := places || CASE WHEN part.place = ANY (places) THEN '{}' ELSE ARRAY[part.place] END;
            END IF;
        END LOOP;
    END LOOP;
    RETURN CASE WHEN said IS NOT NULL
                THEN ROW('words', 0.7, '{}'::text[], '{}'::text[], '{}'::text[], said, NULL, places, NULL, NULL)::search.part END;
END
$$;

COMMENT ON FUNCTION search_internal.said_words(search.understood[], search.part[]) IS
    'The words of a query with an order that mean nothing of the catalogue, as a wanted part; NULL if no product has them.';
