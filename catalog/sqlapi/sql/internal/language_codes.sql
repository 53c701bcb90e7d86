-- The languages of the starter synonyms by the names of PostgreSQL's configurations.
CREATE OR REPLACE FUNCTION search_internal.language_codes()
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    codes text[] := '{}';
    language regconfig;
    code text;
BEGIN
    FOREACH language IN ARRAY public.search_languages() LOOP
        code := CASE language::text
                WHEN 'english' THEN 'en' WHEN 'german' THEN 'de' WHEN 'french' THEN 'fr' WHEN 'spanish' THEN 'es'
                WHEN 'italian' THEN 'it' WHEN 'dutch' THEN 'nl' WHEN 'polish' THEN 'pl' WHEN 'portuguese' THEN 'pt'
                WHEN 'turkish' THEN 'tr' END;
        IF code IS NOT NULL AND code <> ALL (codes) THEN
            codes := codes || code;
        END IF;
    END LOOP;
    RETURN codes;
END
$$;

COMMENT ON FUNCTION search_internal.language_codes() IS
    'The codes of the catalogue''s languages that synonyms have, such as {en,de}.';
