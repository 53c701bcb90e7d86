"""Tables of signs beside the embeddings, kept by triggers; see docs/decisions/0024-signs.md.

The tables are those of models, so `catalog.model_tables` creates and fills them after this.

Revision 0039, after 0038; 2026-11-27
"""

from alembic import op
from psycopg.sql import SQL, Identifier

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# A product whose price changes at the same time is locked, so that either this sees the new price,
# or `copy_filters` sees the new signs. A writer of embeddings gives way before PostgreSQL looks for
# a deadlock (after a second), so that an import never has to.
FILL = """
CREATE FUNCTION public.fill_signs() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
SET lock_timeout = '500ms'
AS $$
DECLARE
    keys text := CASE WHEN TG_TABLE_NAME LIKE '%\\_image' THEN 'image_id, product_id'
                      ELSE 'product_id' END;
    vectors name := (SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
                      WHERE extname = 'vector');
BEGIN
    EXECUTE format(
        'WITH owner AS MATERIALIZED ('
        '    SELECT id, price, in_stock, facets FROM product'
        '     WHERE id IN (SELECT product_id FROM written) ORDER BY id FOR SHARE'
        ')'
        'INSERT INTO %I (%s, signs, price, in_stock, facets)'
        'SELECT %s, %I.binary_quantize(embedding), price, in_stock, facets'
        '  FROM written JOIN owner ON owner.id = written.product_id'
        '    ON CONFLICT (%I) DO UPDATE'
        '   SET product_id = excluded.product_id, signs = excluded.signs, price = excluded.price,'
        '       in_stock = excluded.in_stock, facets = excluded.facets',
        TG_TABLE_NAME || '_signs', keys, keys, vectors, split_part(keys, ',', 1));
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION public.fill_signs() IS
    'Writes the signs of written embeddings, and what filters look at, to the table of signs.';
"""

COPY = """
CREATE FUNCTION public.copy_filters() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    signs text;
BEGIN
    IF NOT EXISTS (
        SELECT FROM is_new JOIN was USING (id)
         WHERE (is_new.price, is_new.in_stock, is_new.facets)
               IS DISTINCT FROM (was.price, was.in_stock, was.facets)
    ) THEN
        RETURN NULL;
    END IF;
    FOR signs IN
        SELECT name || '_' || modality || '_signs' FROM model, unnest(modalities) AS modality
         WHERE (modality = 'text' OR pictures = '')
           AND to_regclass(quote_ident(name || '_' || modality || '_signs')) IS NOT NULL
    LOOP
        EXECUTE format(
            'UPDATE %I AS s SET price = n.price, in_stock = n.in_stock, facets = n.facets'
            '  FROM is_new AS n WHERE n.id = s.product_id'
            '   AND (s.price, s.in_stock, s.facets) IS DISTINCT FROM (n.price, n.in_stock, n.facets)',
            signs);
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION public.copy_filters() IS
    'Copies changes of what filters look at from products to the tables of signs.';

CREATE TRIGGER copy_filters AFTER UPDATE ON product
REFERENCING OLD TABLE AS was NEW TABLE AS is_new
FOR EACH STATEMENT EXECUTE FUNCTION public.copy_filters();
"""

TABLES = """
SELECT relname, relkind
  FROM model, unnest(modalities) AS modality, pg_class
 WHERE pg_class.oid = to_regclass(quote_ident(name || '_' || modality || '_signs'))
 ORDER BY relkind DESC
"""


def upgrade() -> None:
    for statement in (FILL, COPY):
        op.get_bind().exec_driver_sql(statement, execution_options={"no_parameters": True})


def downgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("DROP FUNCTION public.copy_filters() CASCADE")
    connection.exec_driver_sql("DROP FUNCTION public.fill_signs() CASCADE")
    for row in connection.exec_driver_sql(TABLES).all():
        kind = SQL("VIEW" if row.relkind == "v" else "TABLE")
        connection.exec_driver_sql(
            SQL("DROP {} {}").format(kind, Identifier(row.relname)).as_string()
        )
