-- Words, numbers, quoted phrases and the signs that matter. Words in one row of a compound follow each other.
CREATE OR REPLACE FUNCTION search_internal.query_tokens(query text)
RETURNS TABLE (place integer, separator text, token text, word text, number numeric, excluded boolean,
               start integer)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 8
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
BEGIN ATOMIC
WITH matched AS (
    SELECT place, part[1] AS separator, part[2] AS token,
           sum(length(part[1] || part[2])) OVER (ORDER BY place) - length(part[2]) AS start
      -- "50+" and "50/-" have a sign of their own, of the same length
      FROM translate(left(normalize(query, NFKC), 2000), '‐‑‒–—―−﹘﹣－', '----------') AS dashed (text),
           LATERAL (SELECT CASE WHEN strpos(dashed.text, '+') = 0 THEN dashed.text
                                ELSE regexp_replace(dashed.text, '([\dk$€£¥₹])\+(?![[:alnum:]])', '\1⁺', 'gi') END
           ) AS plus (text),
           regexp_matches(
               CASE WHEN strpos(plus.text, '/') = 0 THEN plus.text
                    ELSE regexp_replace(plus.text, '(\d ?)/[-=](?![[:alnum:]])', '\1₹⁻', 'g') END,
               replace(replace('([^[:alnum:]"<>≤≥$€£¥₹,;⁺]*)("[^"]*"|'
               -- "H&M" and "H & M" are one name, but "S & M" are two sizes
               '[[:alpha:]]{1,2}&[[:alpha:]]{1,2}(?![[:alnum:]])'
               '|(?![smlx] & [smlx](?![[:alnum:]]))[[:alpha:]] & [[:alpha:]](?![[:alnum:]])'
               '|\d+(?:[.,]\d+)+k?(?![[:alnum:]])'
               -- "1500rs", "1,500rs", "rs1500", "7yr" and "uk9" are two tokens
               '|\d+(?:[.,]\d+)*(?=(?:UNITS)(?![[:alnum:]]))'
               '|(?:SIGNS)(?=\d)'
               '|(?!\d+(?:UNITS)(?![[:alnum:]])|(?:SIGNS)\d+(?![[:alnum:]]))'
               '[[:alnum:]]+(?:[''’][[:alnum:]]+)*[''’]?|[<>≤≥]=?|₹⁻|[$€£¥₹,;"⁺])',
                       'UNITS', 'rs|inr|eur|euros?|usd|gbp|chf|pln|zł|y|yo|yrs?|years?|months?|mos?|mths?|jahren?|jährige[rsn]?'
                                '|monate?|ans|mois|años?|mes|meses|anni|mesi|jaar|jarige?|maanden|lat|latk[ai]|letni\w*|anos?'),
                       'SIGNS', 'rs|inr|size|sz|uk|eu|größe|groesse|gr|taille|pointure|talla|taglia|maat|rozmiar|tamanho'),
               'gi')
           WITH ORDINALITY AS found (part, place)
),
folded AS (
    SELECT place, separator, token, start,
           CASE WHEN strpos(token, '&') > 0 AND left(token, 1) <> '"' THEN regexp_replace(public.fold_text(token), '[^[:alnum:]]', '', 'g')
                ELSE replace(public.fold_text(token), '''', '') END AS word,
           count(*) FILTER (WHERE separator = ' ' OR separator <> '' AND separator ~ '\s' OR NOT has_letter)
               OVER (ORDER BY place) AS compound,
           right(separator, 1) IN ('-', '!')
           AND (separator ~ '\s(-+|!)$' OR separator ~ '^(-+|!)$'
                AND coalesce(lag(token) OVER (ORDER BY place), ',') IN (',', ';'))
           AND (has_letter OR strpos(token, '"') > 0) AS is_excluded -- also after a quote that nothing closes
      FROM (SELECT *, strpos('"<>≤≥₹$€£¥,;⁺', left(token, 1)) = 0 OR token ~ '[[:alnum:]]' AS has_letter
              FROM matched) AS each
)
SELECT place::integer, separator, token, word,
       -- PostgreSQL keeps few compiled regular expressions, so they are not used for words
       CASE WHEN strpos('0123456789', left(word, 1)) = 0 THEN NULL
            WHEN word ~ '^\d{1,9}([.,]\d{1,2})?k$' THEN 1000 * translate(left(word, -1), ',', '.')::numeric
            WHEN word ~ '^\d{1,12}$' THEN word::numeric
            WHEN word ~ '^\d{1,3}([.,]\d{3})+$' OR word ~ '^\d{1,3}(,\d{2})*,\d{3}$' -- in India 1,50,000
            THEN translate(word, '.,', '')::numeric
            WHEN word ~ '^[\d.,]{1,15}[.,]\d{1,2}$'
            THEN (translate(regexp_replace(word, '[.,]\d+$', ''), '.,', '') || '.' || substring(word, '\d+$'))::numeric
       END,
       bool_or(is_excluded) OVER (PARTITION BY compound ORDER BY place), start::integer
  FROM folded
 WHERE place <= 64
 ORDER BY place;
END;

COMMENT ON FUNCTION search_internal.query_tokens(text) IS
    'The words, numbers, quoted phrases and signs of a query, for search.understand.';
