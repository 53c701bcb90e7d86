CREATE TYPE search.parsed AS (
    typed text, is_exact boolean, words text, avoided text, excluded text[], unwanted text[],
    min_price numeric, max_price numeric, sort text, wanted search.part[], share float8, certainty float8, is_question boolean,
    understood search.understood[]
);

COMMENT ON TYPE search.parsed IS 'A query in the form in which it is searched.';
