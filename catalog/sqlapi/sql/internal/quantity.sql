-- The first number of a text with its unit, in the base unit of what it measures: 4 inches are 10.16 cm. The unit is
-- empty for a number alone, or with a word that is no unit.
CREATE OR REPLACE FUNCTION search_internal.quantity(
    measure text, OUT amount numeric, OUT unit text, OUT number numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT found.number * coalesce(known.factor, 1), coalesce(known.base, ''), found.number
  FROM (SELECT translate(part[1], ',', '.')::numeric AS number, part[2] AS unit
          FROM regexp_match(lower(measure), '(\d{1,9}(?:[.,]\d{1,4})?)\s*("|″|”|[[:alpha:]%]+)?') AS part) AS found
       LEFT JOIN (VALUES
           ('cm', 0.1, 'mm|millimetre|millimetres|millimeter|millimeters|milimetr|millimètre|millimètres'),
           ('cm', 1, 'cm|cms|centimetre|centimetres|centimeter|centimeters|zentimeter|centimètre|centimètres'
                     '|centímetro|centímetros|centimetro|centimetri|centymetrów|centymetry|santim|santimetre'),
           ('cm', 100, 'm|meter|meters|metre|metres|mètre|mètres|metro|metros|metri|metr|metry|metrów'),
           ('cm', 2.54, '"|″|”|in|inch|inches|zoll|pouce|pouces|pulgada|pulgadas|pollice|pollici|cal|cale|cali|polegada'
                        '|polegadas|inç'),
           ('cm', 30.48, 'ft|foot|feet'),
           ('cm', 91.44, 'yd|yard|yards'),
           ('ml', 1, 'ml|millilitre|millilitres|milliliter|milliliters'),
           ('ml', 10, 'cl'),
           ('ml', 1000, 'l|ltr|litre|litres|liter|liters|litro|litros|litri|litr|litry|litrów'),
           ('g', 1, 'g|gm|gms|gram|grams|gramm|gramme|grammes|gramo|gramos|grammi|gramów|grama|gramas'),
           ('g', 1000, 'kg|kgs|kilo|kilos|chilo|chili|quilo|quilos|kilogram|kilograms'),
           ('g', 453.6, 'lb|lbs|pound|pounds'),
           ('oz', 1, 'oz|ounce|ounces'),
           ('gb', 1, 'gb|go'),
           ('gb', 1024, 'tb|to'),
           ('watt', 1, 'w|watt|watts|vatios|wat|watów'),
           ('mah', 1, 'mah'), ('mp', 1, 'mp'), ('gsm', 1, 'gsm'),
           ('denier', 1, 'den|denier|deniers|denari'),
           ('carat', 1, 'carat|carats|karat|karats|karaat|quilates|quilate|carati|carato|ayar')) AS known (base, factor, names)
       ON found.unit = ANY (string_to_array(known.names, '|'));
END;

COMMENT ON FUNCTION search_internal.quantity(text) IS
    'A number with its unit, for search_internal.measure_part: 4 inches are 10.16 cm.';
