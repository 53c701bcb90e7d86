CREATE TYPE search.tied AS (types text[], keys text[]);

COMMENT ON TYPE search.tied IS
    'One of several types that a query asks for, with its own colours: the facet keys of both; without the latter, all '
    'are wanted. "Black shoes or white heels" has two.';
