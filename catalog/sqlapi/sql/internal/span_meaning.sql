CREATE TYPE search_internal.span_meaning AS (
    first integer, last integer, split integer, key text COLLATE "C", kind text, facet_key text COLLATE "C",
    value text COLLATE "C", products bigint, level smallint, languages text[], is_name boolean, is_typed boolean,
    is_named boolean
);

COMMENT ON TYPE search_internal.span_meaning IS
    'A row of search.meaning for the words of a query from first to last, or for one half of a compound, `split`.';
