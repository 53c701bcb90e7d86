CREATE OR REPLACE FUNCTION search_internal.find_model(model text, modality text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
AS $$
DECLARE
    chosen search.models;
    default_name text := (SELECT s.value FROM setting s WHERE s.name = '{{default_model}}');
    able text := (SELECT string_agg(m.name, ', ' ORDER BY m.position, m.name) FROM search.models m
                   WHERE coalesce(modality, 'text') = 'text' AND m.has_text
                      OR modality = 'image' AND m.has_image OR modality IS NULL);
BEGIN
    IF modality IS NOT NULL AND modality NOT IN ('text', 'image') THEN
        RAISE EXCEPTION 'there is no modality %', quote_literal(modality)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Modalities: text, image.';
    END IF;
    IF model IS NULL THEN
        SELECT * INTO chosen FROM search.models m
         WHERE (m.position IS NOT NULL OR m.name = default_name) AND (modality IS DISTINCT FROM 'text' OR m.has_text)
           AND (modality IS DISTINCT FROM 'image' OR m.has_image)
         ORDER BY m.name = default_name DESC NULLS LAST, m.position
         LIMIT 1;
    ELSE
        SELECT * INTO chosen FROM search.models m WHERE m.name = find_model.model;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no model %', quote_literal(model)
                USING ERRCODE = 'invalid_parameter_value', HINT = format('Models: %s.', able);
        END IF;
    END IF;
    IF chosen.name IS NULL OR modality = 'text' AND NOT chosen.has_text
       OR modality = 'image' AND NOT chosen.has_image THEN
        RAISE EXCEPTION 'the model % has no % embeddings', coalesce(chosen.name, '(default)'), modality
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Models that have them: %s.', able);
    END IF;
    RETURN chosen.name;
END
$$;

COMMENT ON FUNCTION search_internal.find_model(text, text) IS
    'Check the name of a model. NULL returns the default model, or the first in use that has the modality.';
