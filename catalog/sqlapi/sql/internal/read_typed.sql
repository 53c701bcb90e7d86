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
    read search_internal.typed_query;
    last_place integer;
    likeliest float8; -- number of products with the last word
    share float8 := 1;
    terms text[];
    stems text[];
    products integer;
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
           ARRAY[string_agg('''' || array_to_string(lexemes, ''' | ''') || '''', ' | ')]
      INTO read.completed, likeliest, terms
      FROM search_internal.completions(read.words[last_place], {{max_completions}}) AS completion;
    terms[1] := coalesce(terms[1], search_internal.meant_words(read.words[last_place], true)::text);
    IF terms[1] IS NULL THEN
        RETURN read;
    END IF;

    SELECT coalesce(likeliest, 0) / greatest(reltuples, 1) INTO share FROM pg_class WHERE oid = 'public.product'::regclass;
    FOR place IN 1 .. last_place - 1 LOOP
        stems := search_internal.stems(read.words[place], languages);
        CONTINUE WHEN stems = '{}';
        SELECT max(v.in_fields) INTO products FROM search.vocabulary v WHERE v.lexeme = ANY (stems);
        terms := terms || coalesce(
            CASE WHEN products IS NULL THEN search_internal.meant_words(read.words[place], false)::text END,
            search_internal.phrase(read.words[place], languages)::text);
        share := share * coalesce(products, 0) / (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'public.product'::regclass);
    END LOOP;
    read.found := search_internal.products_with(
        ('(' || array_to_string(terms, ') & (') || ')')::tsquery, share, {{max_found}});
    RETURN read;
END
$$;

COMMENT ON FUNCTION search_internal.read_typed(text) IS
    'Understands what a shopper has typed so far, for search.suggest; NULL if there are no words.';
