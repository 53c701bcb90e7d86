CREATE TYPE search_internal.typed_query AS (
    words text[], head text, matched text, completed text[], found bigint[]
);

COMMENT ON TYPE search_internal.typed_query IS
    'What a shopper has typed so far: the folded words, the text before the last of them, the whole text with its '
    'spelling corrected, known words that the last word begins, and products that have all of the words.';
