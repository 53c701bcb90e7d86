from typing import Any

from django.core.management.base import CommandError, CommandParser

from shop.management.base import CatalogCommand

INSTALL = "assistants need the extra mcp: python -m pip install --editable '.[mcp]'"


class Command(CatalogCommand):
    help = (
        "Offer the search to an assistant as tools of the Model Context Protocol, by stdin and"
        " stdout: search_catalog, similar, product. The assistant starts this command."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site",
            default="http://127.0.0.1:8000",
            help="the address of the shop, for links to products (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from shop.api.assistants import make_server
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "mcp":
                raise
            raise CommandError(INSTALL, returncode=2) from error
        make_server(options["site"]).run("stdio")
