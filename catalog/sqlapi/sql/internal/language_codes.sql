-- The languages of the starter synonyms by the names of PostgreSQL's configurations.
CREATE OR REPLACE FUNCTION search_internal.language_codes()
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT coalesce(array_agg(code ORDER BY array_position(public.search_languages()::text[], language)), '{}')
      FROM (VALUES ('english', 'en'), ('german', 'de'), ('french', 'fr'), ('spanish', 'es'), ('italian', 'it'),
                   ('dutch', 'nl'), ('polish', 'pl'), ('portuguese', 'pt'), ('turkish', 'tr')) AS known (language, code)
     WHERE language = ANY (public.search_languages()::text[]));

COMMENT ON FUNCTION search_internal.language_codes() IS
    'The codes of the catalogue''s languages that synonyms have, such as {en,de}.';
