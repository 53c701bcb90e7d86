-- "Grendha Claudia Green Flats" is meant as a title: a product whose title has all of these words is what is wanted,
-- whatever its own type is. Only words that mean no value of the catalogue tell a title from a description: a "white
-- shirt" is no T-shirt. Words that no product has are left out, so that a typing error does not hide the product.
CREATE OR REPLACE FUNCTION search_internal.all_words(parts search.understood[])
RETURNS tsquery
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part search.understood;
    has_word boolean := false;
    found tsquery;
BEGIN
    FOREACH part IN ARRAY parts LOOP
        has_word := has_word OR part.wanted AND part.kind IN ('word', 'quoted') AND part.why <> 'unknown';
    END LOOP;
    IF NOT has_word THEN
        RETURN NULL;
    END IF;
    FOREACH part IN ARRAY parts LOOP
        CONTINUE WHEN NOT part.wanted OR part.words = '' OR part.why IN ('unknown', 'ignored', 'question');
        found := coalesce(found && search_internal.title_phrase(part.words), search_internal.title_phrase(part.words));
    END LOOP;
    RETURN found;
END
$$;

COMMENT ON FUNCTION search_internal.all_words(search.understood[]) IS
    'A tsquery for products with all words of a query in their title, if some of them mean no value of the catalogue, for search.parse.';
