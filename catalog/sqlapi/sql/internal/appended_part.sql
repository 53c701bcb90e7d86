CREATE OR REPLACE FUNCTION search_internal.appended_part(
    typed text, parts search.understood[], part search.understood)
RETURNS search.understood[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last_part search.understood := parts[cardinality(parts)];
BEGIN
    IF part.why = 'excluded' AND last_part.why = 'excluded' AND part.start = last_part.stop THEN
        -- "-wi-fi" excludes the compound, not its parts
        last_part.stop := part.stop;
        last_part.phrase := last_part.phrase || part.phrase;
        last_part.words := last_part.words || ' ' || part.words;
        parts[cardinality(parts)] := last_part;
        RETURN parts;
    ELSIF (part.kind, part.value, part.wanted) = (last_part.kind, last_part.value, last_part.wanted)
          AND part.kind <> 'number' AND public.fold_text(part.words) = public.fold_text(last_part.words)
          AND substr(typed, last_part.stop + 1, part.start - last_part.stop) ~ '^[\s,;-]*$' THEN
        last_part.stop := part.stop; -- "red red shoes"
        last_part.phrase := substr(typed, last_part.start + 1, last_part.stop - last_part.start);
        parts[cardinality(parts)] := last_part;
        RETURN parts;
    END IF;
    RETURN parts || part;
END
$$;

COMMENT ON FUNCTION search_internal.appended_part(text, search.understood[], search.understood) IS
    'The parts of a query with one more, which may repeat or continue the last one, for search.understand.';
