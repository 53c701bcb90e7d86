CREATE OR REPLACE FUNCTION search_internal.part_keys(part search.part)
RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = public, pg_temp
RETURN CASE (part).keys || (part).accepted
       WHEN '{}' THEN nullif((part).close, '{}') ELSE (part).keys || (part).accepted END;

COMMENT ON FUNCTION search_internal.part_keys(search.part) IS
    'The facet keys by which candidates for a part of a query are found; NULL if no product has it.';
