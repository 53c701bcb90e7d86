CREATE OR REPLACE FUNCTION search_internal.quantiles(model text, query text, item text, picture_share float8)
RETURNS float8[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = public, pg_temp
RETURN coalesce(
    (SELECT c.quantiles FROM calibration c
      WHERE query = 'product' AND (c.model, c.query, c.item) = ($1, $2, $3)),
    (WITH anchor AS (
         SELECT CASE c.query WHEN 'words' THEN 0.0 WHEN 'both' THEN 0.5 ELSE 1.0 END AS place,
                c.quantiles
           FROM calibration c
          WHERE c.query <> 'product' AND (c.model, c.item) = ($1, $3)),
     below AS (
         SELECT * FROM anchor
          ORDER BY place <= picture_share DESC, abs(place - picture_share) LIMIT 1),
     above AS (
         SELECT * FROM anchor
          ORDER BY place >= picture_share DESC, abs(place - picture_share) LIMIT 1)
     SELECT array_agg(
                low + (high - low) * coalesce(
                    (picture_share - below.place) / nullif(above.place - below.place, 0), 0)
                ORDER BY step)
       FROM below, above,
            unnest(below.quantiles, above.quantiles) WITH ORDINALITY AS each (low, high, step)),
    (SELECT array_agg(step / 100.0 ORDER BY step) FROM generate_series(0, 100) AS step));

COMMENT ON FUNCTION search_internal.quantiles(text, text, text, float8) IS
    'Quantiles of the similarities of unrelated pairs, by the weight of pictures in the query: interpolated linearly '
    'between 0 (only words), 0.5 and 1 (only pictures). Even steps if the model is not calibrated.';
