import os
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.db.connection import connect
from catalog.evaluation.judgment_parsers import FormatError
from catalog.evaluation.judgments import JudgmentError, read_judgments
from catalog.evaluation.product_lookup import Catalogue
from catalog.training_products import judged_queries, read_training_products
from embedding.checkpoints import find_folder
from embedding.encoder import default_device, load_encoder
from embedding.finetuning.products import JudgedQuery, Product
from embedding.registry import (
    HUB_LOADERS,
    NAME,
    TAKEN,
    ModelSpec,
    canonical_name,
    get_spec,
    models,
    registry_problems,
)
from shop.management.arguments import positive
from shop.management.base import INTERRUPTED, CatalogCommand

NOT_BETTER = 1


def learning_rate(text: str) -> float:
    """A number above 0 and at most 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise ArgumentTypeError(f"{text!r} is not a number above 0 and at most 1, such as 2e-5")
    return number


class Command(CatalogCommand):
    help = (
        "Fine-tune the model BASE on the titles, attributes and pictures of this catalogue, and add"
        " the result as the model NEW (docs/models.md). A stopped run continues when the command is"
        " repeated. Exit status: 0 done, 1 no better than BASE, 2 misuse, too few products or"
        " pictures, or too little memory or disk space."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "base", metavar="BASE", help="a model in the registry that reads pictures"
        )
        parser.add_argument("new", metavar="NEW", help="the name of the new model")
        parser.add_argument(
            "--epochs", type=positive, default=10, help="the most epochs (default: 10)"
        )
        parser.add_argument(
            "--batch-size", type=batch, default=64, help="pictures in a batch (default: 64)"
        )
        parser.add_argument(
            "--lr",
            type=learning_rate,
            help="the highest learning rate (default: 2e-4 for the last layers, 2e-5 for all)",
        )
        parser.add_argument(
            "--device", help="a torch device (default: EMBEDDING_DEVICE, else cuda if there is one)"
        )
        parser.add_argument(
            "--freeze",
            choices=("auto", "yes", "no"),
            default="auto",
            help="train only the last layers; auto: on a CPU yes, otherwise no",
        )
        parser.add_argument(
            "--limit", type=positive, metavar="N", help="use a random sample of N products"
        )
        parser.add_argument(
            "--judgments",
            type=Path,
            action="append",
            metavar="FILE",
            help="also learn from judged queries, in the format of evaluate_search; do not measure"
            " with the same file",
        )
        parser.add_argument(
            "--seed", type=whole, default=0, help="of all random choices (default: 0)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        base, new = get_spec(options["base"]), canonical_name(options["new"])
        folder = config.settings().var_dir / "models" / new
        self.require_unused(new, folder)
        products, judged = self.read(options)
        if base.loader in HUB_LOADERS and find_folder(base) is None:
            load_encoder(base)  # downloads it
        try:
            self.tune(base, new, folder, products, judged, options)
        except KeyboardInterrupt as error:
            raise CommandError(
                "stopped; the same command continues after the last complete epoch",
                returncode=INTERRUPTED,
            ) from error

    def require_unused(self, new: str, folder: Path) -> None:
        """Check the name of the new model.

        Raises:
            CommandError: it is malformed, or there is such a model or folder.
        """
        if not NAME.fullmatch(new) or new in TAKEN:
            raise CommandError(
                f"{new!r} must be a lower-case letter and up to 30 lower-case letters, digits and"
                " underscores, and not 'product'",
                returncode=2,
            )
        if problems := registry_problems():
            raise problems[0]
        if new in models():
            raise CommandError(f"there is a model {new} already: choose another name", returncode=2)
        if folder.exists():
            raise CommandError(
                f"{folder} exists already: add it (./manage.py add_model"
                f" {folder / f'{new}.toml'}), delete it, or choose another name",
                returncode=2,
            )

    def read(self, options: dict[str, Any]) -> tuple[list[Product], list[JudgedQuery]]:
        """The products and the judged queries. The database is not needed afterwards."""
        with connect() as connection:
            products = read_training_products(
                connection, config.settings().media_root, options["limit"]
            )
            if not options["judgments"]:
                return products, []
            try:
                catalogue = Catalogue(connection)
                found = [
                    it for file in options["judgments"] for it in read_judgments(file, catalogue)
                ]
            except (JudgmentError, FormatError) as error:
                raise CommandError(str(error), returncode=2) from error
        judged = judged_queries(found)
        self.tell(f"{len(judged)} of {len(found)} judgments are queries of words that can be used")
        return products, judged

    def tune(
        self,
        base: ModelSpec,
        new: str,
        folder: Path,
        products: list[Product],
        judged: list[JudgedQuery],
        options: dict[str, Any],
    ) -> None:
        # These import torch.
        from embedding.finetuning.checkpoint import save_model, tuned_spec
        from embedding.finetuning.fit import FineTuning, Recipe

        device = options["device"] or default_device()
        freeze = {"yes": True, "no": False, "auto": device == "cpu"}[options["freeze"]]
        recipe = Recipe(
            options["epochs"],
            options["batch_size"],
            options["lr"] or 0.0,
            freeze,
            seed=options["seed"],
        )
        tuning = FineTuning(
            base,
            products,
            recipe,
            device,
            folder.with_name(f"{new}.training"),
            judged=judged,
            quiet=options["verbosity"] == 0,
            log=self.tell,
        )
        counts = {part: len(found) for part, found in tuning.parts.items()}
        self.tell(
            f"{counts['train']} products to train on, {counts['validation']} for validation,"
            f" {counts['test']} held out; {'last' if freeze else 'all'} layers on {device}"
        )
        outcome = tuning.train()
        self.stdout.write(f"Held-out products with {base.name}: {outcome.before}")
        if not outcome.share:
            raise CommandError(
                f"no fine-tuned weights are better than those of {base.name} for the products for"
                f" validation, so {new} was not added. Import more products or attributes, or try"
                f" another --lr. The curves are in {tuning.run.folder}; delete it before you try"
                " again",
                returncode=NOT_BETTER,
            )
        self.stdout.write(
            f"Held-out products with {new}: {outcome.after} (epoch {outcome.epoch}, weights"
            f" {outcome.share:.2f} fine-tuned and {1 - outcome.share:.2f} {base.name})"
        )
        entry = save_model(tuning, tuned_spec(base, new), outcome, folder)
        tuning.run.remove()
        call_command("add_model", os.fspath(entry), stdout=self.stdout)
        self.stdout.write(
            f"Then: ./manage.py evaluate_search FILE.jsonl --model {base.name} --model {new}"
        )

    def tell(self, text: str) -> None:
        self.stderr.write(text)


def whole(text: str) -> int:
    """A whole number that is at least 0."""
    return 0 if text == "0" else positive(text)


def batch(text: str) -> int:
    """A whole number that is at least 4."""
    if (size := positive(text)) < 4:
        raise ArgumentTypeError("a batch needs at least 4 pictures, since they are compared")
    return size
