"""Chooses attributes that become facets without anybody's configuration."""

import re

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from catalog.search.facets import forget_facets
from catalog.tables import FACET
from catalog.text import readable

MIN_VALUES, MAX_VALUES = 2, 50
"""The number of different values of an attribute that becomes a facet."""

MIN_SHARE = 0.01
"""The smallest share of the products that have the attribute."""

MIN_PRODUCTS_PER_VALUE = 2
"""The smallest mean number of products per value: below it, values identify products."""

MAX_LENGTH = 40
"""The maximum length of a value, in characters."""

MAX_AUTOMATIC = 20
"""The maximum number of facets that are chosen; the most frequent attributes come first."""

KINDS = {
    "size": r"sizes?|gr(oss|o)e|taille|talla|taglia|maat|tamanho|rozmiar",
    "colour": r"colou?rs?|shade|farbe|couleur|color|colore|kleur|cor|kolor",
    "material": r"materials?|materiale|fabrics?|composition|stoff|matiere|tessuto|stof|tecido",
    "pattern": r"patterns?|prints?|muster|motif|estampado|fantasia|patroon|padrao|wzor",
    "person": r"gender|sex|age( group)?|audience|geschlecht|genre|genero|genere|geslacht|plec",
    "occasion": r"occasions?|season|usage|anlass|saison|temporada|stagione|gelegenheid|okazja",
    "brand": r"brand|manufacturer|marke|marque|marca|merk|marka",
}
"""The kind of a facet, by a word of its folded name. The first one counts."""

ATTRIBUTES = f"""
WITH written AS (
    SELECT public.fold_text(field.name) AS name, field.name AS label, count(*) AS products
      FROM product p, jsonb_object_keys(
               CASE jsonb_typeof(p.attributes) WHEN 'object' THEN p.attributes ELSE '{{}}' END
           ) AS field (name)
     GROUP BY field.name
),
attribute AS (
    SELECT name, sum(products) AS products,
           (array_agg(label ORDER BY products DESC, label COLLATE "C"))[1] AS label
      FROM written
     WHERE name <> '' AND name NOT LIKE '%%=%%'
       AND name NOT IN (SELECT f.name FROM facet f WHERE f.source <> 'automatic')
     GROUP BY name
),
listed AS (
    SELECT split_part(key, '=', 1) AS name, count(*) AS values,
           max(length(key) - position('=' IN key)) AS length
      FROM (SELECT DISTINCT key FROM product p, unnest(p.facets) AS key
             WHERE split_part(key, '=', 1) IN (SELECT name FROM attribute)) AS each
     GROUP BY 1
)
SELECT name, label, values
  FROM attribute JOIN listed USING (name)
 WHERE name IN (SELECT f.name FROM facet f) AND values <= 2 * {MAX_VALUES}
    OR values BETWEEN {MIN_VALUES} AND {MAX_VALUES} AND length <= {MAX_LENGTH}
   AND products >= {MIN_PRODUCTS_PER_VALUE} * values
   AND products >= {MIN_SHARE} * (SELECT count(*) FROM product)
 ORDER BY name IN (SELECT f.name FROM facet f) DESC, products DESC, name
 LIMIT {MAX_AUTOMATIC}
"""
"""The attributes that are, or should be, automatic facets. One that is a facet stays one until it
has more than twice the maximum number of values, so that facets do not come and go."""


def choose_facets(connection: Connection) -> bool:
    """Add facets for attributes with few values, and remove automatic ones that have no or too many
    values now. Facets that an admin has edited stay. Returns whether anything has changed."""
    chosen = connection.exec_driver_sql(ATTRIBUTES).all()
    last = connection.exec_driver_sql("SELECT coalesce(max(position), 0) FROM facet").scalar_one()
    removed = connection.execute(
        FACET.delete().where(
            FACET.c.source == "automatic", FACET.c.name.not_in([row.name for row in chosen])
        )
    ).rowcount
    rows = [
        {
            "name": row.name,
            "label": readable(row.label),
            "kind": guess_kind(row.name),
            "position": last + place,
            "source": "automatic",
        }
        for place, row in enumerate(chosen, 1)
    ]
    added = 0
    if rows:
        added = connection.execute(insert(FACET).values(rows).on_conflict_do_nothing()).rowcount
    if removed or added:
        forget_facets()
    return bool(removed or added)


def guess_kind(name: str) -> str:
    """The kind of a facet from its folded name; "other" if no word of it tells."""
    words = re.sub(r"[^a-z]+", " ", name)
    return next(
        (kind for kind, pattern in KINDS.items() if re.search(rf"\b({pattern})\b", words)), "other"
    )
