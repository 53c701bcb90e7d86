"""One normal form for text, facets as data, and synonyms.

Revision 0021, after 0020; 2026-11-27
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Generated columns use these functions, so a change of one needs a migration that computes the
# columns again. Every name is qualified, since a restored dump has no search_path.
FUNCTIONS = r"""
-- In PL/pgSQL, whose calls cost a third of those of SQL functions that cannot be inlined. Pure ASCII
-- needs less; a replacement for each single space would take most of the time.
CREATE FUNCTION public.fold_text(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF octet_length(value) = length(value) THEN
        RETURN btrim(regexp_replace(replace(lower(value), '`', ''''),
                                    '  +| *[\u0001-\u001f][ \u0001-\u001f]*', ' ', 'g'));
    END IF;
    RETURN btrim(regexp_replace(
        replace(replace(replace(replace(translate(lower(regexp_replace(
            normalize(translate(value, 'ØŁĐĦŦøłđħŧı“’”‘„‛‟′`´‐‑‒–—―−﹘﹣－™®©',
                                       'oldhtoldhti"''"''"''"''''''----------'), NFKD),
            '[\u0300-\u036f]+', '', 'g')), 'øłđħŧı', 'oldhti'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        '[[:space:]\u0001-\u001f\u00ad\u200b-\u200f\u2060\ufeff]+', ' ', 'g'));
END
$$;

COMMENT ON FUNCTION public.fold_text(text) IS
    'The normal form in which texts are compared: no case, accents, kinds of dashes or extra spaces.';

CREATE FUNCTION public.singular(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
    CASE WHEN word ~ '(ss|sh|ch|x)es$' THEN left(word, -2)
         WHEN word ~ '..[^su]s$' THEN left(word, -1)
         ELSE word END,
    '(ie|y)$', 'i');

COMMENT ON FUNCTION public.singular(text) IS
    'A folded word without its plural ending: dress and dresses, booty and booties are equal.';

CREATE FUNCTION public.phrase_key(phrase text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(string_agg(public.singular(word), '' ORDER BY place), '')
          FROM regexp_split_to_table(replace(public.fold_text(phrase), '''', ''), '[^[:alnum:]]+')
               WITH ORDINALITY AS part (word, place));

COMMENT ON FUNCTION public.phrase_key(text) IS
    'Equal for t-shirt, T Shirts and tshirt: folded singular words, joined.';

CREATE FUNCTION public.facet_keys(
    category text, subcategory text, product_type text, gender text, colour text, brand text,
    usage text, attributes jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(array_agg(DISTINCT key ORDER BY key), '{}')
      FROM (SELECT name || '=' || public.fold_text(value) AS key
              FROM (VALUES ('category', category), ('subcategory', subcategory),
                           ('product_type', product_type), ('gender', gender),
                           ('colour', colour), ('brand', brand), ('usage', usage))
                   AS field (name, value)
             WHERE public.fold_text(value) <> ''
             UNION ALL
            SELECT public.fold_text(field.key) || '=' || public.fold_text(item.value #>> '{}')
              FROM jsonb_each(CASE jsonb_typeof(attributes) WHEN 'object' THEN attributes ELSE '{}' END)
                   AS field,
                   LATERAL jsonb_array_elements(
                       CASE jsonb_typeof(field.value) WHEN 'array' THEN field.value
                            ELSE jsonb_build_array(field.value) END) AS item (value)
             WHERE jsonb_typeof(item.value) IN ('string', 'number', 'boolean')
               AND public.fold_text(field.key) NOT IN ('', 'price', 'in_stock')
               AND public.fold_text(item.value #>> '{}') <> ''
               AND length(field.key) <= 100 AND length(item.value #>> '{}') <= 100) AS keyed);

COMMENT ON FUNCTION public.facet_keys(text, text, text, text, text, text, text, jsonb) IS
    'The facet values of a product, as keys like colour=navy blue; the list of an attribute gives several.';
"""

# REFRESH names the view late, so the trigger works before the schema `search` exists. It is deferred,
# so that thousands of rows that one transaction writes cost one refresh.
TRIGGER = """
CREATE FUNCTION public.refresh_meanings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('search.meanings_refreshed', true) = pg_current_xact_id()::text THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('search.meanings_refreshed', pg_current_xact_id()::text, true);
    IF EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('search.meaning') AND relispopulated) THEN
        REFRESH MATERIALIZED VIEW CONCURRENTLY search.meaning;
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER synonym_changed AFTER INSERT OR UPDATE OR DELETE ON synonym
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.refresh_meanings();
CREATE TRIGGER synonym_truncated AFTER TRUNCATE ON synonym
    FOR EACH STATEMENT EXECUTE FUNCTION public.refresh_meanings();
"""

FACETS = """
INSERT INTO facet (name, label, kind, position) VALUES
    ('category', 'Category', 'type', 1), ('subcategory', 'Subcategory', 'type', 2),
    ('product_type', 'Type', 'type', 3), ('gender', 'For', 'person', 4),
    ('colour', 'Colour', 'colour', 5), ('brand', 'Brand', 'brand', 6),
    ('usage', 'Use', 'occasion', 7)
"""

KEYS = (
    "public.facet_keys(category, subcategory, product_type, gender, colour, brand, usage,"
    " attributes)"
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(FUNCTIONS, execution_options={"no_parameters": True})
    op.create_table(
        "facet",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="other", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("source", sa.Text(), server_default="starter", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "name <> '' AND name = public.fold_text(name) AND name NOT LIKE '%=%'",
            name=op.f("facet_name_check"),
        ),
        sa.CheckConstraint(
            "kind IN ('type', 'person', 'colour', 'brand', 'occasion', 'material', 'pattern',"
            " 'size', 'other')",
            name=op.f("facet_kind_check"),
        ),
        sa.CheckConstraint("role IN ('', 'searched', 'identifier')", name=op.f("facet_role_check")),
        sa.PrimaryKeyConstraint("name", name=op.f("facet_pkey")),
    )
    connection.exec_driver_sql(FACETS)
    op.create_table(
        "synonym",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phrase", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), server_default="both", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="admin", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "phrase_key",
            sa.Text(),
            sa.Computed("public.phrase_key(phrase)", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "meaning_key",
            sa.Text(),
            sa.Computed("public.phrase_key(meaning)", persisted=True),
            nullable=True,
        ),
        sa.CheckConstraint(
            "relation IN ('both', 'one-way', 'close')", name=op.f("synonym_relation_check")
        ),
        sa.CheckConstraint(
            "phrase <> '' AND length(phrase) <= 100", name=op.f("synonym_phrase_check")
        ),
        sa.CheckConstraint(
            "meaning <> '' AND length(meaning) <= 100", name=op.f("synonym_meaning_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("synonym_pkey")),
        sa.UniqueConstraint(
            "phrase", "meaning", "language", name=op.f("synonym_phrase_meaning_language_key")
        ),
    )
    connection.exec_driver_sql(TRIGGER)
    op.add_column(
        "product",
        sa.Column(
            "facets",
            postgresql.ARRAY(sa.Text()),
            sa.Computed(KEYS, persisted=True),
            nullable=True,
        ),
    )
    op.create_index("product_facets_idx", "product", ["facets"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("product_facets_idx", "product")
    op.drop_column("product", "facets")
    op.drop_table("synonym")
    op.drop_table("facet")
    for function in (
        "refresh_meanings()",
        "facet_keys(text, text, text, text, text, text, text, jsonb)",
        "phrase_key(text)",
        "singular(text)",
        "fold_text(text)",
    ):
        op.get_bind().exec_driver_sql(f"DROP FUNCTION public.{function}")
