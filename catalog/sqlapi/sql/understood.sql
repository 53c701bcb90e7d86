CREATE TYPE search.understood AS (
    place integer, phrase text, start integer, stop integer, kind text, value text, wanted boolean, why text,
    keys text[], accepted text[], close text[], low numeric, high numeric, words text
);

COMMENT ON TYPE search.understood IS 'A part of a query, as search.understand explains it.';
