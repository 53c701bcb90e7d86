CREATE TYPE search.part AS (
    kind text, weight float8, keys text[], accepted text[], close text[], title tsquery, typed tsquery,
    places integer[], tied search.tied[], others text[]
);

COMMENT ON TYPE search.part IS
    'What a query wants of one kind: facet keys that are equal to it, that it accepts, and that are close to it; '
    'the name of the value as a title may have it, a synonym as typed or all words of the query, the places of its parts '
    'in the query, what it says about each of several types, and '
    'the facet keys of products whose titles do not count: a dress shoe is no dress.';
