CREATE OR REPLACE FUNCTION search_internal.ranked(
    model text, query text, text_vector halfvec, image_vector halfvec, picture_share float8,
    parsed search.parsed, min_match float8 DEFAULT NULL, group_variants boolean DEFAULT true,
    exclude bigint DEFAULT NULL, excluded text[] DEFAULT '{}', chosen text[] DEFAULT NULL,
    min_price numeric DEFAULT NULL, max_price numeric DEFAULT NULL, in_stock boolean DEFAULT NULL)
RETURNS SETOF search.hit
LANGUAGE plpgsql STABLE ROWS 240
SET search_path = public, pg_temp
SET hnsw.iterative_scan = 'relaxed_order'
SET hnsw.ef_search = 480
SET jit = off
SET max_parallel_workers_per_gather = 0 -- as in a search
AS $$
DECLARE
    weight search.weights;
    width integer;
    found search.hit[];
BEGIN
    IF min_match NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'min_match must be between 0 and 1, not %', min_match
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO STRICT weight FROM search.weights w WHERE w.query = ranked.query;
    width := weight.products;
    LOOP
    PERFORM set_config('hnsw.ef_search', least({{max_ef_search}}, 2 * width)::text, true);
    EXECUTE format('SELECT array_agg(hit) FROM search_internal.%I({{ranked_arguments}}) AS hit', 'ranked_by_' || model)
    INTO found
    USING parsed.typed, parsed.words, weight.lexical, parsed.wanted,
          weight.structure * coalesce(parsed.certainty ^ 2, 0) * least(1, 2 * (1 - picture_share)),
          {{wanted_arguments}},
          text_vector, search_internal.quantiles(model, query, 'text', picture_share), weight.text,
          image_vector, search_internal.quantiles(model, query, 'image', picture_share), weight.image,
          coalesce(min_match, least(1, weight.min_match + coalesce(
              CASE WHEN parsed.wanted <> '{}' OR parsed.is_question THEN {{unknown_raise}} * (1 - parsed.certainty)
                   ELSE {{unrelated_raise}} * (1 - parsed.share) END, 0))),
          width, search_internal.fan_out(),
          group_variants, exclude, excluded || parsed.excluded, parsed.unwanted, {{facet_arguments}},
          greatest(min_price, parsed.min_price), least(max_price, parsed.max_price), in_stock;
    -- To be sorted, all that match must be in the window, as in the shop.
    EXIT WHEN coalesce(parsed.sort, '') = '' OR width >= {{max_window}}
              OR (SELECT coalesce(sum(h.variants), 0) FROM unnest(found) AS h) < width;
    width := {{max_window}};
    END LOOP;
    IF coalesce(parsed.sort, '') = '' THEN
        RETURN QUERY SELECT * FROM unnest(found);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT row_number() OVER (ORDER BY CASE parsed.sort WHEN 'price' THEN h.price END,
                                       CASE parsed.sort WHEN '-price' THEN h.price END DESC NULLS LAST,
                                       CASE parsed.sort WHEN 'newest' THEN h.product_id END DESC, h.place),
           h.sku, h.title, h.brand, h.category, h.product_type, h.gender, h.colour, h.price, h.currency, h.in_stock,
           h.match, h.exact, h.lexical_match, h.text_match, h.image_match, h.variants, h.colours, h.image_path,
           h.product_id
      FROM unnest(found) AS h
     ORDER BY 1;
END
$$;

COMMENT ON FUNCTION search_internal.ranked(text, text, halfvec, halfvec, float8, search.parsed, float8, boolean, bigint, text[],
                                  text[], numeric, numeric, boolean) IS
    'Ranks products, for search.products, search.similar and search.blend.';
