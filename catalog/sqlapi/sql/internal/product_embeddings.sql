CREATE OR REPLACE FUNCTION search_internal.product_embeddings(
    sku text, model text, OUT product_id bigint, OUT text halfvec, OUT image halfvec)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp
AS $$
DECLARE
    chosen text := search_internal.find_model(model);
BEGIN
    SELECT p.id INTO product_id FROM product p WHERE p.sku = product_embeddings.sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no product with the SKU %', coalesce(quote_literal(sku), 'NULL')
            USING ERRCODE = 'no_data_found';
    END IF;
    IF (SELECT m.has_text FROM search.models m WHERE m.name = chosen) THEN
        EXECUTE format('SELECT e.embedding FROM %I e WHERE e.product_id = $1', chosen || '_text')
           INTO text USING product_id;
    END IF;
    IF (SELECT m.has_image FROM search.models m WHERE m.name = chosen) THEN
        EXECUTE format('SELECT e.embedding FROM %I e JOIN product_image i ON i.id = e.image_id'
                       ' WHERE e.product_id = $1 ORDER BY i.position LIMIT 1', chosen || '_image')
           INTO image USING product_id;
    END IF;
END
$$;

COMMENT ON FUNCTION search_internal.product_embeddings(text, text) IS
    'A model''s embeddings of the text and the main picture of a product; NULL if there are none.';
