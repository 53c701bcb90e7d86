CREATE OR REPLACE FUNCTION search_internal.wanted_kinds(
    parts search.understood[], counted search.understood[], heads integer[])
RETURNS search.part[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    present text[] := '{}';      -- kinds
    part search.understood;
    kind text;
    weight float8;
    keys text[];
    accepted text[];
    close text[];
    title text;
    typed text;
    places integer[];
    wanted search.part[] := '{}';
    absent search.part[] := '{}'; -- by which no candidates are found
    others text[];
    is_alternative boolean := false;
BEGIN
    FOREACH part IN ARRAY parts LOOP
        is_alternative := is_alternative OR part.alternative IS TRUE;
    END LOOP;
    FOREACH part IN ARRAY counted LOOP
        present := present || part.kind;
    END LOOP;
    FOR kind, weight IN VALUES ('type', 1), ('brand', 0.7), ('colour', 0.5), ('person', 0.4), ('material', 0.35),
                               ('other', 0.35), ('pattern', 0.35), ('size', 0.35), ('occasion', 0.3) LOOP
        CONTINUE WHEN kind <> ALL (present);
        keys := '{}';
        accepted := '{}';
        close := '{}';
        title := NULL;
        typed := NULL;
        places := '{}';
        FOREACH part IN ARRAY counted LOOP
            CONTINUE WHEN part.kind <> kind;
            IF part.place <> ALL (heads) THEN
                close := close || part.keys || part.accepted;
                CONTINUE;
            END IF;
            keys := keys || part.keys;
            accepted := accepted || part.accepted;
            close := close || part.close;
            title := concat_ws(' | ', title, nullif(CASE
                -- a description can say the material
                WHEN part.why = 'absent' AND kind = 'material'
                THEN search_internal.phrase(public.split_words(public.fold_text(part.value)), public.search_languages())
                ELSE search_internal.title_phrase(part.value) END::text, ''));
            IF part.why IN ('synonym', 'translation', 'stray') OR part.why = 'absent' AND kind = 'type' THEN
                typed := concat_ws(' | ', typed, nullif(search_internal.title_phrase(part.phrase)::text, ''));
            END IF;
            places := places || part.place;
        END LOOP;
        IF keys || accepted || close = '{}' THEN
            others := NULL;
            IF kind = 'type' THEN
                -- without categories, which may be as wide as "clothes"
                others := ARRAY(SELECT DISTINCT m.facet_key
                                  FROM search_internal.concept c,
                                       -- OFFSET 0: by the index on key, not all types
                                       LATERAL (SELECT * FROM search.meaning WHERE key = c.key OFFSET 0) AS m
                                 WHERE c.kind = 'type' AND m.kind = 'type' AND m.level = 0 AND m.facet <> 'category');
                typed := concat_ws(' | ', typed, title);
            END IF;
            absent := absent || ROW(kind, weight, keys, keys, keys, title::tsquery, typed::tsquery, places, NULL,
                                    others)::search.part;
            CONTINUE;
        END IF;
        wanted := wanted || ROW(kind, weight, search_internal.distinct_keys(keys), search_internal.distinct_keys(accepted),
                                search_internal.distinct_keys(close), title::tsquery, typed::tsquery, places,
                                CASE WHEN is_alternative AND kind <> 'type'
                                     THEN search_internal.tied_parts(kind, parts, heads) END, NULL)::search.part;
    END LOOP;
    RETURN wanted || absent;
END
$$;

COMMENT ON FUNCTION search_internal.wanted_kinds(search.understood[], search.understood[], integer[]) IS
    'What a query wants of each kind, the most important first, and last what no product has, from the results of search_internal.headed_parts.';
