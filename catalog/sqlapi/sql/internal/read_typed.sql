CREATE OR REPLACE FUNCTION search_internal.read_typed(typed text)
RETURNS search_internal.typed_query
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning -- hides the notice about stop words
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    languages CONSTANT regconfig[] := public.search_languages();
    folded CONSTANT text := regexp_replace(public.fold_text(left(typed, {{max_typed}})), '[^[:alnum:]]+$', '');
    catalogue CONSTANT float8 := (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'public.product'::regclass);
    read search_internal.typed_query;
    last_place integer;
    terms text[]; -- of each word, those that may be in its place
    wanted text;
    products bigint; -- about how many have the word
    share float8;
    stems text[];
    all_known boolean := true;
BEGIN
    read.words := search_internal.typed_words(folded);
    last_place := cardinality(read.words);
    IF last_place = 0 THEN
        RETURN NULL;
    END IF;
    read.head := CASE WHEN array_to_string(read.words, ' ') = public.split_words(folded)
                      THEN left(folded, -length(read.words[last_place])) -- as typed, such as "t-"
                      ELSE array_to_string(read.words[:last_place - 1] || ''::text, ' ') END;
    read.matched := read.head || read.words[last_place];

    SELECT array_agg(word ORDER BY completion.products DESC, word), max(completion.products),
           string_agg('''' || array_to_string(lexemes, ''' | ''') || '''', ' | ')
      INTO read.completed, products, wanted
      FROM search_internal.completions(read.words[last_place], {{max_completions}}) AS completion;
    IF wanted IS NULL THEN
        SELECT m.term, m.products INTO wanted, products FROM search_internal.meant_words(read.words[last_place], true) AS m;
    END IF;
    IF wanted IS NULL THEN
        RETURN read;
    END IF;
    terms := ARRAY[wanted];
    share := products / catalogue;

    FOR place IN 1 .. last_place - 1 LOOP
        stems := search_internal.stems(read.words[place], languages);
        CONTINUE WHEN stems = '{}';
        SELECT max(v.in_fields), search_internal.phrase(read.words[place], languages) INTO products, wanted
          FROM search.vocabulary v WHERE v.lexeme = ANY (stems);
        IF products IS NULL THEN
            SELECT coalesce(m.term::text, wanted), m.products INTO wanted, products
              FROM search_internal.meant_words(read.words[place], false) AS m;
        END IF;
        terms := terms || wanted;
        all_known := all_known AND products IS NOT NULL;
        share := share * coalesce(products, 0) / catalogue;
    END LOOP;
    read.found := search_internal.products_with(('(' || array_to_string(terms, ') & (') || ')')::tsquery, share, {{max_found}});
    IF read.found = '{}' AND NOT all_known THEN
        read.completed := '{}'; -- nonsense, whatever the last word is
    END IF;
    RETURN read;
END
$$;

COMMENT ON FUNCTION search_internal.read_typed(text) IS
    'Understands what a shopper has typed so far, for search.suggest; NULL if there are no words.';
