-- Stems do not relate these; a closed list of English. `both` has each pair in both directions.
CREATE OR REPLACE FUNCTION search_internal.other_number(word text, languages regconfig[])
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN 'pg_catalog.english'::regconfig = ANY (languages) THEN
    jsonb '{"child": "children", "man": "men", "woman": "women", "person": "people", "gentleman": "gentlemen",
            "mouse": "mice", "foot": "feet", "tooth": "teeth", "goose": "geese", "ox": "oxen",
            "knife": "knives", "scarf": "scarves", "wolf": "wolves", "leaf": "leaves", "shelf": "shelves",
            "half": "halves", "wife": "wives", "life": "lives", "calf": "calves", "loaf": "loaves",
            "thief": "thieves", "elf": "elves", "hoof": "hooves", "dwarf": "dwarves",
            "children": "child", "men": "man", "women": "woman", "people": "person", "gentlemen": "gentleman",
            "mice": "mouse", "feet": "foot", "teeth": "tooth", "geese": "goose", "oxen": "ox",
            "knives": "knife", "scarves": "scarf", "wolves": "wolf", "leaves": "leaf", "shelves": "shelf",
            "halves": "half", "wives": "wife", "lives": "life", "calves": "calf", "loaves": "loaf",
            "thieves": "thief", "elves": "elf", "hooves": "hoof", "dwarves": "dwarf",
            "mens": "man", "womens": "woman", "childrens": "child"}' ->> word
    END;

COMMENT ON FUNCTION search_internal.other_number(text, regconfig[]) IS
    'The irregular plural or singular of a folded English word: mice for mouse, mouse for mice.';
