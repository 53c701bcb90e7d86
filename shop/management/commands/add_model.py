import sys
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from sqlalchemy import Connection

from catalog import config
from catalog.db.connection import connect
from catalog.indexing.fit_reduction import TooFewToFit
from catalog.model_tables import add_model, change_schema
from embedding.encoder import load_encoder
from embedding.registry import (
    HUB_LOADERS,
    ModelSpec,
    get_spec,
    install_spec,
    read_entry,
    require_checkpoint,
    smaller,
)
from shop.management.arguments import positive
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Create a model's tables, indexes and SQL objects while searches continue. A model of the"
        " Hugging Face hub is downloaded first (docs/models.md). FILE.toml is also copied into the"
        " registry: into the first folder of EMBEDDING_REGISTRY, or into VAR_DIR/registry. Exit"
        " status: 0 done, 2 misuse, no download or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "model",
            metavar="NAME|FILE.toml",
            help="a model in the registry, or the file of its entry",
        )
        parser.add_argument(
            "--dims",
            type=positive,
            metavar="N",
            help="add a smaller version instead, called NAME_N, whose vectors are reduced to N"
            " dimensions (see evaluate_search --dims)",
        )
        parser.add_argument(
            "--binary",
            action="store_true",
            help="add a version instead, called NAME_binary or NAME_N_binary, whose index contains"
            " only the signs of the vectors; the vectors themselves rank what it finds",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        model = options["model"]
        path = Path(model) if model.endswith(".toml") else None
        spec = read_entry(path) if path else get_spec(model)
        require_checkpoint(spec)
        if options["dims"] or options["binary"]:
            if path:
                raise CommandError(
                    f"add the model itself first: ./manage.py add_model {path}", returncode=2
                )
            spec = smaller(spec, options["dims"] or spec.dimensions, binary=options["binary"])
            path = Path(f"{model} --dims")
            self.require_enough(spec)
        if _needs_files(spec):
            load_encoder(spec)  # downloads it, and checks that it fits its entry
        added, copy = change_schema(partial(_add, spec=spec, source=path), self.tell)
        if copy:
            did = "Copied" if model.endswith(".toml") else "Wrote"
            self.stdout.write(f"{did} the entry of {spec.name} to {copy}")
        for name in added:
            self.stdout.write(f"Created the tables of {name}")
        if not added:
            self.stdout.write(f"{spec.name} already has tables")
        if spec.pictures in added:
            self.stdout.write(f"{spec.name} uses the picture embeddings of {spec.pictures}")
        if spec.name not in config.settings().models:
            names = ",".join([*config.settings().models, spec.name])
            self.stdout.write(f"To search with it, set MODELS={names} and run ./manage.py migrate")
        self.stdout.write(f"Next: ./manage.py embed_catalog --model {spec.name}")

    def require_enough(self, spec: ModelSpec) -> None:
        """Check that the catalogue is large enough to fit the model's reduction.

        Raises:
            CommandError: it is not.
        """
        if spec.matryoshka or spec.dimensions == spec.full_dimensions:
            return
        tables = {"text": "product", "image": "product_image"}
        with connect() as connection:
            found = sum(
                connection.exec_driver_sql(f"SELECT count(*) FROM {tables[it]}").scalar_one()
                for it in spec.modalities
            )
        if found < spec.dimensions:
            raise CommandError(str(TooFewToFit(spec, found)), returncode=2)

    def tell(self) -> None:
        print("The tables are in use, trying again ...", file=sys.stderr)


def _needs_files(spec: ModelSpec) -> bool:
    """Whether the model, or one that it refers to, has a checkpoint."""
    others = [spec.pictures, spec.checkpoint if spec.loader == "reduced" else ""]
    has_files = spec.loader in HUB_LOADERS or bool(spec.checkpoint and spec.loader != "reduced")
    return has_files or any(_needs_files(get_spec(it)) for it in others if it)


def _add(
    connection: Connection, spec: ModelSpec, source: Path | None
) -> tuple[list[str], Path | None]:
    """Create the tables, then write the entry if it has a `source` outside of the registry.

    Returns the names of the models whose tables were created, and the file that was written. If it
    cannot be written, the transaction ends without the tables.
    """
    added = add_model(connection, spec)
    file, is_new = install_spec(spec, str(source)) if source else (None, False)
    return added, file if is_new else None
