"""A change of the default model in the admin, which a worker carries out."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from sqlalchemy import Connection

from catalog.active_models import NoTables
from catalog.indexing.heartbeat import running_workers
from catalog.indexing.planned_switch import plan_switch, planned_model, queries_to_embed
from catalog.indexing.switch_model import SwitchError, require_switchable
from embedding.registry import UnknownModel, get_spec


@dataclass(frozen=True, slots=True)
class Switch:
    """A model that is to become the default one."""

    label: str
    queries: int = 0
    """How many stored queries must be embedded first."""
    problem: str = ""
    """Why it cannot become the default one now."""


def switch_to(connection: Connection, name: str) -> Switch:
    """What a worker has to do before `name` is the default model."""
    try:
        spec = get_spec(name)
        require_switchable(connection, name)
        _require_worker(connection)
    except (SwitchError, UnknownModel, NoTables) as error:
        return Switch(name, problem=str(error))
    return Switch(spec.label, len(queries_to_embed(connection, name)))


def planned_switch(connection: Connection) -> Switch | None:
    """The switch that was saved and has not been made yet."""
    name = planned_model(connection)
    return None if name is None else switch_to(connection, name)


def plan(connection: Connection, name: str) -> None:
    """Let a worker make `name` the default model.

    Raises:
        UnknownModel, NoTables: the model cannot be used.
        SwitchError: it has not embedded all products, or no worker runs.
    """
    _require_worker(connection)
    plan_switch(connection, name)


def _require_worker(connection: Connection) -> None:
    if not running_workers(connection):
        raise SwitchError(
            _(
                "no worker runs, which embeds the stored queries first: start one with"
                " ./manage.py embedding_worker, or use ./manage.py set_default_model"
            )
        )
