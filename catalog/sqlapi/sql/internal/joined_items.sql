-- Joins items that are one thing: a number with what it counts, measures or identifies ("2 thousand", "4 inch",
-- "no 7", "sku 12-33"), and the parts of a negated compound ("non-leather", "lace-free").
CREATE OR REPLACE FUNCTION search_internal.joined_items(typed text, items search_internal.query_item[])
RETURNS search_internal.query_item[]
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- searches set it to force_custom_plan
AS $$
DECLARE
    joined search_internal.query_item[] := '{}';
    item search_internal.query_item;
    after search_internal.query_item;
    last_item search_internal.query_item;
    place integer := 0;
    cues text[];                 -- what the item can be
    next_cues text[];
    own text;                    -- the item as typed, folded
    compound text;               -- of two items with a hyphen between them
    divided search_internal.query_item[];
BEGIN
    IF typed !~ '[0-9‐‑‒–—―−-]|frei|vrij|free|resist|proof|repel' AND NOT EXISTS (
           SELECT FROM unnest(items) AS i WHERE i.kind = 'cue' AND i.value LIKE ANY
               ('{%times\_%,%number\_%,%not%,%under%,%over%,%between%,%around%,%currency%,'
                'or,or %,% or,and,and %,% and,comma}')) THEN
        RETURN items; -- nothing to join, as in most queries
    END IF;
    items := search_internal.counted_items(typed, items);
    WHILE place < cardinality(items) LOOP
        place := place + 1;
        item := items[place];
        after := items[place + 1];
        last_item := joined[cardinality(joined)];
        cues := CASE WHEN item.kind = 'cue' THEN string_to_array(item.value, ' ') ELSE '{}' END;
        next_cues := CASE WHEN after.kind = 'cue' THEN string_to_array(after.value, ' ') ELSE '{}' END;
        IF after.kind IN ('type', 'word') AND NOT after.is_name
           AND ('not' = ANY (cues) AND NOT EXISTS (
                    SELECT FROM unnest(items) WITH ORDINALITY AS i WHERE i.kind = 'type' AND i.ordinality <> place + 1)
                OR cues && '{or,and,comma}' AND after.kind = 'type'
                   AND last_item.kind IN ('colour', 'material', 'pattern')) THEN
            divided := search_internal.divided_items(typed, after);
            items := items[:place] || coalesce(divided, ARRAY[after]) || items[place + 2:];
            after := items[place + 1];
        END IF;
        own := public.fold_text(substr(typed, item.start + 1, item.stop - item.start));
        IF cues::text ~ 'number_' AND (
               next_cues::text ~ 'times_' OR 'currency' = ANY (next_cues)
               OR last_item.kind = 'cue' AND string_to_array(last_item.value, ' ') && '{under,over,between,around}') THEN
            item.kind := 'number'; -- "under five hundred"
            item.number := substring(cues::text, 'number_(\d+)')::numeric;
            cues := '{}';
        END IF;
        compound := CASE WHEN after.start = item.stop + 1 AND substr(typed, after.start, 1) ~ '[-‐‑‒–—―−]'
                         THEN substr(typed, item.start + 1, after.stop - item.start) END;
        IF 'identifier' = ANY (cues) AND substr(typed, after.start + 1) ~ '^\S*\d' THEN
            -- up to the next space
            item.kind := 'code';
            item.stop := after.start + length(substring(substr(typed, after.start + 1), '^\S+'));
            item.value := rtrim(substr(typed, after.start + 1, item.stop - after.start), ',;.?!');
            WHILE items[place + 1].start < item.stop LOOP
                place := place + 1;
            END LOOP;
        ELSIF own ~ '^(no|nr|n|num|numero)$' AND after.kind = 'number' THEN
            item := ROW('number', after.value, item.start, after.stop, NULL, false, false, '{}', '{}', '{}', false, false);
            place := place + 1; -- "t-shirt no 7" has the number in its name
        ELSIF 'dimension' = ANY (cues) AND (after.kind = 'number' OR after.kind = 'word' AND after.value ~ '^\d') THEN
            item := ROW('measure', own, item.start, after.stop, NULL, false, false, '{}', '{}', '{}', false, false);
            place := place + 1;
            IF items[place + 1].kind = 'cue' AND 'unit' = ANY (string_to_array(items[place + 1].value, ' ')) THEN
                place := place + 1;
                item.stop := items[place].stop;
            END IF;
        ELSIF 'dimension' = ANY (cues) AND next_cues && '{under,over,around}' AND items[place + 2].kind = 'number'
              AND (items[place + 2].number < 100
                   OR items[place + 3].kind = 'cue' AND 'unit' = ANY (string_to_array(items[place + 3].value, ' ')))
              AND (items[place + 3].kind = 'cue' AND 'currency' = ANY (string_to_array(items[place + 3].value, ' '))) IS NOT TRUE
        THEN
            after.start := item.start; -- "waist over 33"
            joined := joined || after;
            item := items[place + 2];
            item.kind := 'measure';
            item.value := own;
            item.number := NULL;
            place := place + 2;
            IF items[place + 1].kind = 'cue' AND 'unit' = ANY (string_to_array(items[place + 1].value, ' ')) THEN
                place := place + 1;
                item.stop := items[place].stop;
            END IF;
        ELSIF item.kind = 'number' AND NOT next_cues && '{currency,year_old,month_old,under_after,over_after}'
              AND next_cues && '{unit,dimension}' THEN
            item.kind := 'measure';
            item.value := public.fold_text(substr(typed, after.start + 1, after.stop - after.start));
            item.number := NULL;
            item.stop := after.stop;
            place := place + 1;
            IF items[place + 1].kind = 'cue' AND 'dimension' = ANY (string_to_array(items[place + 1].value, ' ')) THEN
                place := place + 1; -- "32 inch waist"
                item.value := public.fold_text(substr(typed, items[place].start + 1,
                                                      items[place].stop - items[place].start));
                item.stop := items[place].stop;
            END IF;
        ELSIF item.kind = 'word' AND own ~ '^\d+([.,]\d+)?x\d+([.,]\d+)?$' THEN
            item.kind := 'measure'; -- 32x34
        ELSIF item.kind = 'word' AND own ~ '^\d+([.,]\d+)?[a-z]+$' AND EXISTS (
                  SELECT FROM search.meaning m
                   WHERE m.key = substring(own, '[a-z]+$') AND m.kind = 'cue' AND m.value = 'unit') THEN
            item.kind := 'measure'; -- 4inch, 10cm
        ELSIF item.kind = 'number' AND next_cues::text ~ 'times_' THEN
            item.number := item.number * substring(next_cues::text, 'times_(\d+)')::numeric;
            item.stop := after.stop;
            place := place + 1;
        ELSIF cues::text ~ 'times_' AND last_item.kind = 'cue'
              AND string_to_array(last_item.value, ' ') && '{under,over,between,around,range,at_price,filler}'
              AND (last_item.value <> 'filler' OR joined[cardinality(joined) - 1].kind = 'cue') THEN
            item.kind := 'number'; -- "under a thousand"
            item.number := substring(cues::text, 'times_(\d+)')::numeric;
            IF last_item.value = 'filler' THEN
                item.start := last_item.start;
                joined := trim_array(joined, 1);
            END IF;
        ELSIF compound IS NOT NULL AND (cues && '{not}' OR own IN ('un', 'anti')) THEN
            -- "non-leather" excludes leather, "non-slip" is a property that is not known
            IF own <> 'anti' AND after.kind = ANY ('{colour,material,pattern,brand,person,occasion,size}') OR own <> 'anti' AND after.is_name
               OR own <> 'anti' AND after.kind = 'word' AND EXISTS (
                      SELECT FROM search.vocabulary v WHERE v.word = public.fold_text(after.value))
                  AND NOT EXISTS (SELECT FROM search.vocabulary v WHERE v.word = own || public.fold_text(after.value))
            THEN
                item.kind := 'cue';
                item.value := 'not';
            ELSIF after.kind <> 'cue' THEN
                item := ROW('word', compound, item.start, after.stop, NULL, false, false, '{}', '{}', '{}', false, false);
                place := place + 1;
            END IF;
        ELSIF item.kind IN ('word', 'type') AND after.kind = 'word' AND after.start = item.stop + 1
              AND public.fold_text(after.value) ~ '^(resistant|resist|proof|repellent)$' THEN
            -- a "slip resistant" shoe is no slip
            item := ROW('word', substr(typed, item.start + 1, after.stop - item.start), item.start, after.stop, NULL,
                        item.excluded, false, '{}', '{}', '{}', false, false);
            place := place + 1;
        ELSIF compound IS NOT NULL AND public.fold_text(substr(typed, after.start + 1, after.stop - after.start))
                                       ~ '^(free|frei|freie|freier|freies|freien|vrij|vrije)$' THEN
            IF cardinality(item.keys || item.accepted) > 0 OR item.kind = 'word' AND EXISTS (
                   SELECT FROM search.vocabulary v
                    WHERE v.word = ANY (ARRAY[own, public.singular(own), own || 's'])) THEN
                items[place + 1] := ROW('cue', 'not_after', after.start, after.stop, NULL, false, false,
                                        '{}', '{}', '{}', false, false);
            ELSE
                item := ROW('word', compound, item.start, after.stop, NULL, false, false, '{}', '{}', '{}', false, false);
                place := place + 1;
            END IF;
        ELSIF item.kind = 'word' AND own ~ '^.{3,}(frei|freie|freier|freies|freien|vrij|vrije)$' THEN
            SELECT m.kind, min(m.value), array_agg(m.facet_key), '{}'
              INTO after.kind, after.value, after.keys, after.accepted
              FROM search.meaning m, substring(own, '^(.*?)(?:frei|vrij)') AS stem
             WHERE m.key = ANY (ARRAY[public.singular(stem), regexp_replace(stem, 's$', '')]) AND m.level = 0
               AND m.kind IN ('colour', 'material', 'pattern', 'type')
             GROUP BY m.kind
             LIMIT 1;
            IF FOUND THEN -- lederfrei
                joined := joined || ROW('cue', 'not', item.start, item.start, NULL, false, false,
                                        '{}', '{}', '{}', false, false)::search_internal.query_item;
                item.kind := after.kind;
                item.value := after.value;
                item.keys := after.keys;
            END IF;
        ELSIF own ~ '^(rs|inr)$' AND after.kind = 'number' AND after.start = item.stop AND after.value ~ '^\d+$'
              AND coalesce(last_item.value, '') !~ '\m(under|over|between|range|around|at_price|for)\M'
              AND (last_item.kind IN ('brand', 'word') OR items[place + 2].kind IN ('brand', 'word')) THEN
            -- "Puma RS500" is a name, "shoes rs500" a price
            item := ROW('word', substr(typed, item.start + 1, after.stop - item.start), item.start, after.stop, NULL,
                        false, false, '{}', '{}', '{}', false, false);
            place := place + 1;
        END IF;
        joined := joined || item;
    END LOOP;
    RETURN joined;
END
$$;

COMMENT ON FUNCTION search_internal.joined_items(text, search_internal.query_item[]) IS
    'The items of a query, with those joined that are one thing, for search.understand.';
