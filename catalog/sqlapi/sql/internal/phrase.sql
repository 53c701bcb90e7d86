-- Stems follow each other only within their language, so a stop word is found with its neighbours as
-- they are written.
CREATE OR REPLACE FUNCTION search_internal.phrase(words text, languages regconfig[], prefix boolean DEFAULT false)
RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    written text := '''ʷ' || replace(words, ' ', ''' <-> ''ʷ') || '''';
    forms text[] := CASE WHEN prefix THEN ARRAY[written || ':*'] END;
    form text;
    stems text[];
    language regconfig;
    word text;
BEGIN
    FOREACH language IN ARRAY languages LOOP
        form := NULL;
        FOREACH word IN ARRAY string_to_array(words, ' ') LOOP
            stems := tsvector_to_array(to_tsvector(language, word));
            IF stems = '{}' THEN
                form := written;
                EXIT;
            END IF;
            form := concat_ws(' <-> ', form,
                '(' || replace(array_to_tsvector(stems)::text, ''' ''', ''' | ''') || ')');
        END LOOP;
        IF array_position(forms, form) IS NULL THEN
            forms := forms || form;
        END IF;
    END LOOP;
    RETURN array_to_string(forms, ' | ')::tsquery;
END
$$;

COMMENT ON FUNCTION search_internal.phrase(text, regconfig[], boolean) IS
    'A tsquery for words of public.split_words in this order; with `prefix`, the last one may be unfinished.';
