CREATE TYPE search.understood AS (
    place integer, phrase text, start integer, stop integer, kind text, value text, wanted boolean, why text,
    keys text[], accepted text[], close text[], low numeric, high numeric, words text,
    alternative boolean
);

COMMENT ON TYPE search.understood IS 'A part of a query, as search.understand explains it; `alternative` says that '
    '"or", "and" or a comma joins it, up to the next product type, with the type before it.';
