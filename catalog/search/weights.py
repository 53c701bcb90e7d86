"""How searches of each kind rank: weights of the signals, minimum match and window, which are the
defaults or rows of `search_weights`.

Searches and the view `search.weights` read the rows, so that a change is at work for pages and SQL
at the same moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from sqlalchemy import Connection

from catalog import config
from catalog.search.calibration import QueryKind
from catalog.search.fusion import MIN_MATCH, WEIGHTS
from embedding.registry import Modality


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the signals, 0 to 1, the lowest match of a hit, 0 to 1, and the number of
    products that a search ranks (the window), 1 to 1000.

    A `min_match` of None stands for the setting `SEARCH_MIN_MATCH`, or else for the default, and
    `products` of None for the setting `SEARCH_WINDOW`.
    """

    structure: float = 0.0
    lexical: float = 0.0
    text: float = 0.0
    image: float = 0.0
    min_match: float | None = None
    products: int | None = None

    def of(self, modality: Modality) -> float:
        return self.text if modality == "text" else self.image


AllWeights = Mapping[QueryKind, Weights]

COLUMNS = ("query", *(field.name for field in fields(Weights)))
"""The columns of the table `search_weights`."""

STORE = f"""
INSERT INTO search_weights ({", ".join(COLUMNS)})
VALUES ({", ".join(f"%({name})s" for name in COLUMNS)})
    ON CONFLICT (query) DO UPDATE
   SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])}
"""


def default_weights() -> dict[QueryKind, Weights]:
    """The weights of a catalogue that has no others."""
    return {
        kind: Weights(
            structure=weights.get("structure", 0.0),
            lexical=weights.get("lexical", 0.0),
            text=weights["text"],
            image=weights["image"],
        )
        for kind, weights in WEIGHTS.items()
    }


def stored_weights(connection: Connection) -> dict[QueryKind, Weights]:
    """The weights that searches use, by kind of query."""
    rows = connection.exec_driver_sql(f"SELECT {', '.join(COLUMNS)} FROM search_weights")
    return default_weights() | {kind: Weights(*values) for kind, *values in rows}


def store_weights(connection: Connection, weights: AllWeights) -> None:
    """Make all searches use `weights`. Kinds of queries with the default weights get no row, so
    that they follow the defaults of later versions.

    Raises:
        IntegrityError: a number is out of its range, or all weights of a kind are 0.
    """
    usual = default_weights()
    for kind, chosen in weights.items():
        if chosen == usual[kind]:
            connection.exec_driver_sql(
                "DELETE FROM search_weights WHERE query = %(query)s", {"query": kind}
            )
        else:
            values = {name: getattr(chosen, name) for name in COLUMNS[1:]}
            connection.exec_driver_sql(STORE, {"query": kind, **values})


def usual_min_match(kind: QueryKind, weights: Weights) -> float:
    """The lowest match of a hit if nothing else is asked for, 0 to 1."""
    asked = given_min_match(weights)
    return MIN_MATCH[kind] if asked is None else asked


def given_min_match(weights: Weights) -> float | None:
    """The lowest match that an admin or the environment sets, if one does."""
    return config.settings().search_min_match if weights.min_match is None else weights.min_match


def window_of(weights: Weights) -> int:
    """How many products a search ranks, if nothing else is asked for."""
    return weights.products or config.settings().search_window


def smallest_window(connection: Connection) -> int:
    """The window of the kind of query that ranks the fewest products."""
    return min(map(window_of, stored_weights(connection).values()))
