CREATE TYPE search_internal.query_item AS (
    kind text, value text, start integer, stop integer, number numeric, excluded boolean, is_name boolean, keys text[],
    accepted text[], close text[], is_foreign boolean, is_stray boolean
);

COMMENT ON TYPE search_internal.query_item IS
    'A part of a query before its role is known: a cue, number, sign, word, quoted phrase or facet value.';
