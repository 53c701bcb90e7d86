"""Words and exact keys of products, filled by a trigger, in the languages of the catalogue.

Revision 0022, after 0021; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FUNCTIONS = r"""
CREATE FUNCTION public.search_languages() RETURNS regconfig[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((SELECT string_to_array(value, ',')::regconfig[]
                   FROM public.setting WHERE name = 'search_languages'), '{pg_catalog.english}');

COMMENT ON FUNCTION public.search_languages() IS
    'The text search configurations of the stored words; `manage.py migrate` sets them.';

CREATE FUNCTION public.exact_key(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    folded text := public.fold_text(value);
BEGIN
    RETURN left(coalesce(nullif(regexp_replace(folded, '[^[:alnum:]]+', '', 'g'), ''), folded), 500);
END
$$;

COMMENT ON FUNCTION public.exact_key(text) IS
    'Equal for AB-12.3, ab 12 3 and AB123: folded letters and digits, or other characters if there are none.';

-- Each replacement takes time, so single spaces stay.
CREATE FUNCTION public.split_words(folded text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    folded := btrim(regexp_replace(folded, ' ?[^[:alnum:] ][^[:alnum:]]*', ' ', 'g'));
    IF folded ~ '[0-9][^0-9 ]|[^0-9 ][0-9]' THEN
        folded := regexp_replace(regexp_replace(folded, '([0-9])([^0-9 ])', '\1 \2', 'g'),
                                 '([^0-9 ])([0-9])', '\1 \2', 'g');
    END IF;
    RETURN folded;
END
$$;

COMMENT ON FUNCTION public.split_words(text) IS
    'The words of a folded text, between spaces: runs of letters and runs of digits.';

-- The single letters left out are words of a language, and the s of women's.
CREATE FUNCTION public.joined_words(folded text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    parts text[];
    joined text[] := '{}';
BEGIN
    IF folded ~ '[[:alpha:]][-''.&_][[:alpha:]]' THEN
        FOR parts IN
            SELECT regexp_split_to_array(part[1], '[^[:alpha:]]')
              FROM regexp_matches(folded, '[[:alpha:]]+(?:[-''.&_][[:alpha:]]+)+', 'g') AS compound (part)
        LOOP
            joined := joined || array_to_string(parts, '');
            FOR place IN 1 .. CASE cardinality(parts) WHEN 2 THEN 0 ELSE cardinality(parts) - 1 END LOOP
                joined := joined || (parts[place] || parts[place + 1]);
            END LOOP;
        END LOOP;
    END IF;
    IF folded ~ '\m[b-hj-np-vxz] ' THEN
        joined := joined || ARRAY(
            SELECT part[1] || part[2]
              FROM regexp_matches(folded,
                       '(?<![[:alnum:]''])([b-hj-np-vxz]) (?:& )?([[:alpha:]]+)', 'g') AS apart (part));
    END IF;
    RETURN array_to_string(ARRAY(SELECT word FROM unnest(joined) AS word WHERE length(word) <= 100), ' ');
END
$$;

COMMENT ON FUNCTION public.joined_words(text) IS
    'The joined forms of compounds in a folded text: wifi for wi-fi, tshirt for t shirt.';

-- No folded text contains the letter ʷ, so that it can mark words.
CREATE FUNCTION public.lexemes(value text, languages regconfig[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    folded text := public.fold_text(value);
    -- Joined forms follow after all words, so that the places of the words stay.
    words text := btrim(public.split_words(folded) || ' ' || public.joined_words(folded));
    found tsvector;
    language regconfig;
BEGIN
    IF words = '' THEN
        RETURN '';
    END IF;
    found := to_tsvector('pg_catalog.simple', 'ʷ' || replace(words, ' ', ' ʷ'));
    FOREACH language IN ARRAY languages LOOP
        found := found || to_tsvector(language, words);
    END LOOP;
    RETURN found;
END
$$;

COMMENT ON FUNCTION public.lexemes(text, regconfig[]) IS
    'The words of a text, each as written after the letter ʷ, and then their stems in each language.';

CREATE FUNCTION public.fill_lexemes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning -- hides the notice about very long words
AS $$
DECLARE
    languages regconfig[];
    searched text;
    identifiers text[];
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.lexemes IS NOT NULL
       AND (OLD.sku, OLD.title, OLD.brand, OLD.colour, OLD.product_type, OLD.subcategory, OLD.category,
            OLD.gender, OLD.usage, OLD.description, OLD.attributes)
           IS NOT DISTINCT FROM
           (NEW.sku, NEW.title, NEW.brand, NEW.colour, NEW.product_type, NEW.subcategory, NEW.category,
            NEW.gender, NEW.usage, NEW.description, NEW.attributes)
    THEN
        NEW.lexemes := OLD.lexemes;
        NEW.exact_keys := OLD.exact_keys;
        RETURN NEW;
    END IF;
    languages := public.search_languages();
    IF jsonb_typeof(NEW.attributes) = 'object' AND NEW.attributes <> '{}' THEN
        SELECT string_agg(item.value #>> '{}', ' ') FILTER (WHERE facet.role = 'searched'),
               array_agg(item.value #>> '{}') FILTER (WHERE facet.role = 'identifier')
          INTO searched, identifiers
          FROM (SELECT translate(public.fold_text(key), ' _-', '') AS name, value
                  FROM jsonb_each(NEW.attributes) OFFSET 0) AS field
               JOIN public.facet
                 ON facet.role <> '' AND translate(facet.name, ' _-', '') = field.name,
               LATERAL jsonb_array_elements(
                   CASE jsonb_typeof(field.value) WHEN 'array' THEN field.value
                        ELSE jsonb_build_array(field.value) END) AS item (value)
         WHERE jsonb_typeof(item.value) IN ('string', 'number')
           AND length(item.value #>> '{}') <= 200;
    END IF;
    NEW.lexemes :=
        setweight(public.lexemes(concat_ws(' ', NEW.title, NEW.brand), languages), 'A')
        || setweight(public.lexemes(concat_ws(' ', NEW.colour, NEW.product_type, NEW.subcategory,
               NEW.category, NEW.gender, NEW.usage, searched), languages), 'B')
        || setweight(public.lexemes(left(NEW.description, 50000), languages), 'C')
        || public.lexemes(concat_ws(' ', NEW.sku, array_to_string(identifiers, ' ')), languages);
    NEW.exact_keys := ARRAY(
        SELECT DISTINCT key
          FROM unnest(ARRAY[NEW.sku, NEW.title] || identifiers) AS known (value),
               public.exact_key(value) AS key
         WHERE key <> '');
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION public.fill_lexemes() IS
    'Fills product.lexemes and product.exact_keys. Weights: A title and brand, B attributes, C description, D identifiers.';

CREATE TRIGGER fill_lexemes
BEFORE INSERT OR UPDATE OF sku, title, brand, colour, product_type, subcategory, category, gender,
    usage, description, attributes, lexemes, exact_keys
ON product FOR EACH ROW EXECUTE FUNCTION public.fill_lexemes();
"""

FACETS = """
INSERT INTO facet (name, label, kind, position, role) VALUES
    ('material', 'Material', 'material', 20, 'searched'),
    ('fabric', 'Fabric', 'material', 21, 'searched'),
    ('pattern', 'Pattern', 'pattern', 22, 'searched'),
    ('gtin', 'GTIN', 'other', 80, 'identifier'),
    ('ean', 'EAN', 'other', 81, 'identifier'),
    ('upc', 'UPC', 'other', 82, 'identifier'),
    ('isbn', 'ISBN', 'other', 83, 'identifier'),
    ('asin', 'ASIN', 'other', 84, 'identifier'),
    ('barcode', 'Barcode', 'other', 85, 'identifier'),
    ('mpn', 'MPN', 'other', 86, 'identifier'),
    ('model number', 'Model number', 'other', 87, 'identifier'),
    ('part number', 'Part number', 'other', 88, 'identifier'),
    ('maker number', 'Maker number', 'other', 89, 'identifier'),
    ('manufacturer number', 'Manufacturer number', 'other', 90, 'identifier'),
    ('manufacturer part number', 'Manufacturer part number', 'other', 91, 'identifier')
ON CONFLICT (name) DO NOTHING
"""

# As in revision 0009.
GENERATED = (
    "setweight(to_tsvector('english', title || ' ' || brand || ' ' || sku), 'A')"
    " || setweight(to_tsvector('english', colour || ' ' || product_type || ' ' || subcategory"
    " || ' ' || category || ' ' || gender || ' ' || usage), 'B')"
    " || setweight(to_tsvector('english', description), 'C')"
)


def upgrade() -> None:
    connection = op.get_bind()
    # The stored lexemes stay, so that words are found until `catalog.lexemes` fills them again.
    connection.exec_driver_sql("ALTER TABLE product ALTER COLUMN lexemes DROP EXPRESSION")
    op.add_column(
        "product",
        sa.Column("exact_keys", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    connection.exec_driver_sql(FUNCTIONS, execution_options={"no_parameters": True})
    connection.exec_driver_sql(FACETS)
    op.create_index("product_exact_keys_idx", "product", ["exact_keys"], postgresql_using="gin")
    op.drop_index("product_lower_title_idx", "product")


def downgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("DROP TRIGGER fill_lexemes ON product")
    for function in (
        "fill_lexemes()",
        "lexemes(text, regconfig[])",
        "joined_words(text)",
        "split_words(text)",
        "exact_key(text)",
        "search_languages()",
    ):
        connection.exec_driver_sql(f"DROP FUNCTION public.{function}")
    op.drop_column("product", "exact_keys")
    op.drop_column("product", "lexemes")
    op.add_column(
        "product",
        sa.Column(
            "lexemes",
            postgresql.TSVECTOR(),
            sa.Computed(GENERATED, persisted=True),
            nullable=True,
        ),
    )
    op.create_index("product_lexemes_idx", "product", ["lexemes"], postgresql_using="gin")
    op.create_index(
        "product_lower_title_idx", "product", [sa.text("lower(title)")], postgresql_using="hash"
    )
    for name in ("search_languages", "lexemes"):
        connection.exec_driver_sql(f"DELETE FROM setting WHERE name = '{name}'")
