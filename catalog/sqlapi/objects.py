"""The schemas `search` and `search_internal`: functions and views derived from the tables, the
models and the settings.

`search` has what analysts use, `search_internal` the helpers. Objects are replaced in place, so
that an analyst's own views on them survive an upgrade. Only changed objects are replaced: the table
`search_internal.definition` stores a digest of each object's SQL. The digests also show whether the
database matches this code and its settings. Objects with constant SQL are in `catalog/sqlapi/sql`,
one per file, those of `search_internal` in the folder `internal`; the others come from
`catalog.sqlapi.rendered`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

from psycopg import errors
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Connection, Row, Select, and_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from catalog.active_models import DEFAULT_MODEL
from catalog.config import settings
from catalog.db.connection import DatabaseError
from catalog.db.requirements import CATALOGUE_SCHEMA, vector_schema
from catalog.query_log import MAX_LENGTH, MAX_REQUESTS, MAX_WAITING, TRIES
from catalog.search.candidates import ENTRIES_PER_PRODUCT, MAX_PARTS
from catalog.search.fusion import UNKNOWN_RAISE, UNRELATED_RAISE
from catalog.search.ranking_sql import MAX_EF_SEARCH, MAX_WINDOW
from catalog.search.search_spec import DEFAULT_WITHOUT_WEIGHT
from catalog.search.spelling import FIRST_LETTER, MAX_LETTERS, MEANING, MIN_LETTERS
from catalog.search.suggestions import (
    FREQUENT_SHARE,
    MAX_COMPLETIONS,
    MAX_FOUND,
    MAX_TYPED,
    MAX_TYPED_WORDS,
    MAX_WALKED,
)
from catalog.sqlapi.comments import comments
from catalog.sqlapi.defaults import set_defaults
from catalog.sqlapi.rendered import (
    ARGUMENTS,
    MAX_FACETS,
    NEAREST,
    NEAREST_ARGUMENTS,
    RANKED,
    StoredModel,
    concepts,
    cues,
    nearest,
    rankings,
    views,
)
from catalog.tables import (
    FILLED_BY_TRIGGER,
    MODEL,
    PRODUCT,
    PRODUCT_IMAGE,
    embedding_table,
    metadata,
)

SCHEMA, INTERNAL = "search", "search_internal"
SQL_FILES = Path(__file__).parent / "sql"
OBJECTS = (
    *("match", "vocabulary", "other_number", "stems", "phrase", "quantity", "facet_value"),
    *("language_codes", "meaning"),
    *("query_tokens", "span_meaning", "span_meanings", "compound_meanings", "query_language"),
    *("query_spans", "query_item", "query_items"),
    *("number_parts", "counted_items", "divided_items", "joined_items", "understood"),
    *("title_phrase", "is_name", "is_listed", "is_written", "is_known"),
    *("size_part", "age_part", "measure_part", "item_part"),
    *("number_ahead", "price_limit", "price_part"),
    *("carried_negation", "appended_part", "opens_list", "understand"),
    *("tied", "tied_parts", "part", "part_keys", "parsed", "headed_parts", "distinct_keys"),
    *("wanted_kinds", "known_share", "said_words", "all_words", "parse"),
    *("terms", "excluded", "quantiles", "interpolate", "hit", "fan_out", "tidy"),
    *(
        "value_hint",
        "chosen_facets",
        "find_model",
        "embedding",
        "query_vector",
        "texts",
        "request",
        "embed",
    ),
    *("product_embeddings", "ranked", "products", "similar", "blend", "recall", "neighbours"),
    *("duplicates", "popular_queries", "unanswered_queries", "price_outliers", "misfiled"),
    *("gaps", "neighbour", "nearest"),
    *("suggested_query", "completions", "meant_words", "near_prefix", "typed_words"),
    *("typed_query", "products_with", "read_typed", "suggestion", "suggested_queries"),
    *("suggested_values", "suggested_products", "suggest"),
)
"""The objects in `SQL_FILES`; each can use the ones before it and the views of `rendered`."""

COMMENTS = "comments"
"""The name of the digest of all comments on tables and columns."""

PRODUCT_COLUMNS = [
    column for column in PRODUCT.columns if column.name not in ("document", *FILLED_BY_TRIGGER)
]

CONSTANTS = {
    "tries": str(TRIES),
    "max_length": str(MAX_LENGTH),
    "max_waiting": str(MAX_WAITING),
    "max_requests": str(MAX_REQUESTS),
    "max_ef_search": str(MAX_EF_SEARCH),
    "entries_per_product": str(ENTRIES_PER_PRODUCT),
    "max_window": str(MAX_WINDOW),
    "max_facets": str(MAX_FACETS),
    "facet_arguments": ", ".join(
        f"chosen[{number}]::text[]" for number in range(1, MAX_FACETS + 1)
    ),
    "wanted_arguments": ", ".join(
        f"search_internal.part_keys(parsed.wanted[{place}])" for place in range(1, MAX_PARTS + 1)
    ),
    "nearest_arguments": ", ".join(f"${number}" for number in range(1, len(NEAREST_ARGUMENTS) + 1)),
    "canceled": "EXCEPTION WHEN query_canceled THEN -- again, without the text of the statement\n"
    "    RAISE query_canceled USING MESSAGE = SQLERRM,"
    " HINT = 'A time limit can be raised: SET statement_timeout = ''5min'';';",
    "ranked_arguments": ", ".join(f"${number}" for number in range(1, len(ARGUMENTS) + 1)),
    "default_model": DEFAULT_MODEL,
    "without_weight": str(DEFAULT_WITHOUT_WEIGHT),
    "unknown_raise": str(UNKNOWN_RAISE),
    "unrelated_raise": str(UNRELATED_RAISE),
    "min_letters": str(MIN_LETTERS),
    "max_letters": str(MAX_LETTERS),
    "first_letter": str(FIRST_LETTER),
    "meaning": str(MEANING),
    "max_typed": str(MAX_TYPED),
    "max_typed_words": str(MAX_TYPED_WORDS),
    "max_completions": str(MAX_COMPLETIONS),
    "max_found": str(MAX_FOUND),
    "max_walked": str(MAX_WALKED),
    "frequent_share": str(FREQUENT_SHARE),
}
"""Values of the placeholders `{{name}}` in the files."""

NOT_REPLACED = (
    errors.InvalidFunctionDefinition,  # the type or name of an argument or result has changed
    errors.InvalidTableDefinition,  # a column of a view was removed or has changed
    errors.DuplicateObject,  # types and materialized views cannot be replaced
    errors.DuplicateTable,
    errors.AmbiguousFunction,  # another signature has the same name
    errors.WrongObjectType,
)

DEPENDENTS = """
WITH RECURSIVE node (classid, objid, depth) AS (
    SELECT classid, objid, 0
      FROM unnest(%(classes)s::oid[], %(objects)s::oid[]) AS root (classid, objid)
     UNION
    SELECT CASE WHEN composite.oid IS NOT NULL THEN 'pg_type'::regclass
                WHEN rule.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END,
           coalesce(composite.reltype, rule.ev_class, d.objid), node.depth + 1
      FROM node
           JOIN pg_depend d ON (d.refclassid, d.refobjid) = (node.classid, node.objid)
           LEFT JOIN pg_rewrite rule
             ON d.classid = 'pg_rewrite'::regclass AND rule.oid = d.objid
           LEFT JOIN pg_class composite
             ON d.classid = 'pg_class'::regclass AND composite.oid = d.objid
                AND composite.relkind = 'c'
     WHERE (d.deptype = 'n' OR d.deptype = 'i' AND d.classid = 'pg_type'::regclass)
       AND coalesce(composite.reltype, rule.ev_class, d.objid) <> node.objid
)
SELECT about.type, about.schema, about.identity, max(node.depth) AS depth
  FROM node, pg_identify_object(node.classid, node.objid, 0) AS about
 WHERE node.classid <> 'pg_type'::regclass
    OR EXISTS (SELECT FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                WHERE t.oid = node.objid AND c.relkind = 'c')
 GROUP BY about.type, about.schema, about.identity
 ORDER BY depth DESC, about.identity
"""
"""The given objects and everything that depends on them, dependent objects first. The row type of
a view counts as the view itself, and the relation of a composite type as the type."""

FIND = """
WITH place (name, namespace) AS (
    SELECT nspname, oid FROM pg_namespace WHERE nspname IN ('search', 'search_internal')
)
SELECT place.name AS schema, 'pg_proc'::regclass::oid AS classid, oid AS objid, proname AS name
  FROM pg_proc JOIN place ON namespace = pronamespace
 UNION ALL
SELECT place.name, 'pg_class'::regclass, oid, relname
  FROM pg_class JOIN place ON namespace = relnamespace
 WHERE relkind IN ('r', 'v', 'm')
 UNION ALL
SELECT place.name, 'pg_type'::regclass, t.oid, t.typname
  FROM pg_type t
       JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
       JOIN place ON namespace = typnamespace
"""

DEFINITIONS = """
CREATE TABLE IF NOT EXISTS search_internal.definition (name text PRIMARY KEY, digest text NOT NULL);
COMMENT ON TABLE search_internal.definition IS 'A digest of the SQL that created each object.';
"""

FUNCTION_PATH = f"SET search_path = {CATALOGUE_SCHEMA}, pg_temp\n"
"""How functions fix their `search_path`. Temporary objects come last, so that nobody can put their
own in place of the catalogue's or pgvector's."""

GRANT_USAGE = """
DO $$
DECLARE
    command text := format('GRANT USAGE ON SCHEMA %I TO analyst', {schema});
BEGIN
    IF NOT has_schema_privilege('analyst', {schema}, 'USAGE') THEN
        EXECUTE command;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN RAISE NOTICE 'an administrator has to run: %', command;
END
$$
"""
"""The schema of pgvector may belong to an administrator."""

Found = dict[str, set[tuple[int, int]]]
"""The objects of a schema by name, as pairs of `classid` and `objid`; functions may share a
name."""


def create_objects(connection: Connection) -> None:
    """Create or replace the objects that have changed, and drop those that no longer exist.

    Raises:
        DatabaseError: an object outside the schema depends on one that has to be dropped.
    """
    # Functions can have `SET hnsw.…` only if pgvector is loaded, unless a superuser creates them.
    connection.exec_driver_sql("SELECT '[0]'::halfvec")
    for schema in (SCHEMA, INTERNAL):
        connection.execute(CreateSchema(schema, if_not_exists=True))
    if "definition" in _find(connection, SCHEMA):  # helpers once had no schema of their own
        _run(connection, "ALTER TABLE search.definition SET SCHEMA search_internal")
    _run(connection, DEFINITIONS)
    wanted = definitions(connection)
    unwanted = [name for name in _known(connection) if name not in wanted]
    drop_named(connection, unwanted)
    for name in unwanted:
        _note(connection, name, None)
    _create_changed(connection, wanted)
    found = _find(connection, SCHEMA)
    if left := {it for name in found if schema_of(name) != SCHEMA for it in found[name]}:
        _drop(connection, left)
        _create_changed(connection, wanted)  # what depended on them
    _grant(connection)
    set_defaults(connection)


def _create_changed(connection: Connection, wanted: Mapping[str, str]) -> None:
    known = _known(connection)
    for name, sql in wanted.items():
        digest = _digest(sql)
        is_there = name == COMMENTS or name in _find(connection, schema_of(name))
        if known.get(name) != digest or not is_there:
            _replace(connection, name, sql)
            _note(connection, name, digest)


def drop_objects(connection: Connection) -> None:
    """Drop all objects of the schema, for migrations that change columns that they use.

    Raises:
        DatabaseError: see `create_objects`.
    """
    drop_named(connection, {**_find(connection, SCHEMA), **_find(connection, INTERNAL)})


def drop_named(connection: Connection, names: Iterable[str]) -> None:
    """Drop objects by name, and the objects of the schemas that depend on them.

    Raises:
        DatabaseError: see `create_objects`.
    """
    found = [_find(connection, schema) for schema in (SCHEMA, INTERNAL)]
    _drop(connection, {root for name in names for it in found for root in it.get(name, ())})


def schema_of(name: str) -> str:
    """The schema of an object by its name."""
    is_internal = (
        name in ("concept", "cue", "definition")
        or name.startswith((RANKED, NEAREST))
        or _is_internal(name)
    )
    return INTERNAL if is_internal else SCHEMA


def differences(connection: Connection) -> list[str]:
    """The names of the objects that differ from what this code and these settings define."""
    if not connection.exec_driver_sql("SELECT to_regclass('search_internal.definition')").scalar():
        return ["all"]
    wanted = {name: _digest(sql) for name, sql in definitions(connection).items()}
    known = _known(connection)
    return sorted(name for name in wanted | known if wanted.get(name) != known.get(name))


def definitions(connection: Connection) -> Mapping[str, str]:
    """The SQL of every object by name, in an order in which they can be created."""
    vectors = vector_schema(connection)
    rows = connection.execute(select(MODEL).order_by(MODEL.c.created_at, MODEL.c.name))
    models = [
        StoredModel(
            row.name, row.label, row.dimensions, tuple(row.modalities), row.pictures, row.binary
        )
        for row in rows
    ]
    return {
        **{name: sql.as_string() for name, sql in views(models).items()},
        "product_vectors": _product_vectors(connection, models),
        "concept": concepts(),
        "cue": cues(),
        **{name: with_vectors(_file(name), vectors) for name in OBJECTS},
        **{name: with_vectors(sql.as_string(), vectors) for name, sql in rankings(models).items()},
        **{name: with_vectors(sql.as_string(), vectors) for name, sql in nearest(models).items()},
        COMMENTS: comments(models).as_string(),
    }


def with_vectors(sql: str, schema: str) -> str:
    """The SQL of a function, whose `search_path` also has the schema of pgvector.

    A function with its owner's rights uses no vectors, and keeps to the catalogue's schema.
    """
    if schema == CATALOGUE_SCHEMA or "SECURITY DEFINER" in sql:
        return sql
    path = SQL(", ").join([Identifier(CATALOGUE_SCHEMA), Identifier(schema), Identifier("pg_temp")])
    return sql.replace(FUNCTION_PATH, f"SET search_path = {path.as_string()}\n")


def product_vectors(models: Iterable[StoredModel]) -> Select[Any]:
    """A query for all products with one column per embedding: `fashion_text`, `fashion_image`, …

    Image embeddings are those of the main picture. The HNSW index of a column is used for
    `ORDER BY fashion_image <=> …` with `WHERE fashion_image IS NOT NULL`, since this condition
    turns the outer join into an inner join.
    """
    product, image = PRODUCT, PRODUCT_IMAGE
    columns = [*PRODUCT_COLUMNS, image.c.path.label("image_path")]
    joined = product.outerjoin(
        image, and_(image.c.product_id == product.c.id, image.c.position == 0)
    )
    for model in models:
        for modality in model.modalities:
            table = embedding_table(model.name, modality)
            on = (
                table.c.product_id == product.c.id
                if modality == "text"
                else table.c.image_id == image.c.id
            )
            joined = joined.outerjoin(table, on)
            columns.append(table.c.embedding.label(table.name))
    return select(*columns).select_from(joined)


def _product_vectors(connection: Connection, models: Iterable[StoredModel]) -> str:
    """The SQL of the view. Existing columns keep their positions, or it could not be replaced."""
    there = list(
        connection.exec_driver_sql(
            "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
            " AND attrelid = to_regclass('search.product_vectors') ORDER BY attnum"
        ).scalars()
    )
    query = product_vectors(models)
    columns = sorted(
        query.selected_columns,
        key=lambda column: there.index(column.name) if column.name in there else len(there),
    )
    compiled = query.with_only_columns(*columns, maintain_column_froms=True).compile(
        dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
    )
    return (
        f"CREATE OR REPLACE VIEW search.product_vectors AS {compiled};\n"
        "COMMENT ON VIEW search.product_vectors IS"
        " 'Products with their embeddings, one column per model and modality.';"
    )


def _file(name: str) -> str:
    constants = CONSTANTS | {
        "suggest_after": str(settings().suggest_after),
    }
    folder = SQL_FILES / "internal" if _is_internal(name) else SQL_FILES
    text = (folder / f"{name}.sql").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: constants[found[1]], text)


def _is_internal(name: str) -> bool:
    return (SQL_FILES / "internal" / f"{name}.sql").exists()


def _replace(connection: Connection, name: str, sql: str) -> None:
    """Replace an object. One whose signature has changed is dropped and created again, and other
    functions with its name are dropped."""
    schema = schema_of(name)
    before = _find(connection, schema).get(name, set())
    try:
        with connection.begin_nested():
            _run(connection, sql)
    except DBAPIError as error:
        if not before or not isinstance(error.orig, NOT_REPLACED):
            raise
        _drop(connection, before)
        _run(connection, sql)
    else:
        if _find(connection, schema).get(name, before) > before:
            _drop(connection, before)


def find_dependents(connection: Connection, roots: Iterable[tuple[int, int]]) -> Sequence[Row[Any]]:
    """Objects and the objects that depend on them, in an order in which they can be dropped.

    Raises:
        DatabaseError: an object outside the schema depends on them.
    """
    classes, objects = zip(*roots, strict=True)
    rows = connection.exec_driver_sql(
        DEPENDENTS, {"classes": list(classes), "objects": list(objects)}
    ).all()
    others = [
        f"{row.type} {row.identity}"
        for row in rows
        if row.depth and row.schema not in (SCHEMA, INTERNAL)
    ]
    if others:
        used = ", ".join(row.identity for row in rows if not row.depth)
        raise DatabaseError(
            f"{', '.join(others)} depends on {used}, which has to be dropped:"
            " drop it first, and create it again afterwards"
        )
    return rows


def _drop(connection: Connection, roots: set[tuple[int, int]]) -> None:
    for row in find_dependents(connection, roots) if roots else ():
        kind = "TYPE" if row.type == "composite type" else row.type.upper()
        _run(connection, f"DROP {kind} {row.identity}")


def _find(connection: Connection, schema: str) -> Found:
    found: Found = {}
    for row in connection.exec_driver_sql(FIND):
        if row.schema == schema:
            found.setdefault(row.name, set()).add((row.classid, row.objid))
    return found


def _known(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT name, digest FROM search_internal.definition")
    return {row.name: row.digest for row in rows}


def _note(connection: Connection, name: str, digest: str | None) -> None:
    if digest is None:
        connection.exec_driver_sql(
            "DELETE FROM search_internal.definition WHERE name = %(name)s", {"name": name}
        )
        return
    connection.exec_driver_sql(
        "INSERT INTO search_internal.definition (name, digest) VALUES (%(name)s, %(digest)s)"
        " ON CONFLICT (name) DO UPDATE SET digest = excluded.digest",
        {"name": name, "digest": digest},
    )


def _grant(connection: Connection) -> None:
    _run(connection, _file("grants"))
    if not connection.exec_driver_sql("SELECT to_regrole('analyst')").scalar():
        return
    quoted = Literal(vector_schema(connection)).as_string()
    _run(connection, GRANT_USAGE.replace("{schema}", quoted))
    tables = [name for name in sorted(metadata.tables) if name != "alembic_version"]
    tables += connection.exec_driver_sql(
        "SELECT name || '_' || modality || kind"
        "  FROM model, unnest(modalities) AS modality, unnest(ARRAY['', '_signs']) AS kind"
    ).scalars()
    readable = SQL(", ").join(Identifier(name) for name in tables)
    _run(connection, SQL("GRANT SELECT ON {} TO analyst").format(readable).as_string())


def _digest(sql: str) -> str:
    return md5(sql.encode(), usedforsecurity=False).hexdigest()


def _run(connection: Connection, sql: str) -> None:
    """Run SQL without parameters, so that `:` and `%` have no special meaning."""
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
