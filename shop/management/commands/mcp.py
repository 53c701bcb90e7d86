from typing import Any

from django.core.management.base import CommandError, CommandParser

from shop import server
from shop.management.base import CatalogCommand
from shop.management.commands.serve import port_number

INSTALL = "assistants need the extra mcp: python -m pip install --editable '.[mcp]'"


class Command(CatalogCommand):
    help = (
        "Offer the search to assistants as tools of the Model Context Protocol: search_catalog,"
        " similar, product. By default by stdin and stdout, to the assistant that starts this"
        " command; with --port by HTTP at /mcp."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site",
            default="http://127.0.0.1:8000",
            help="the address of the shop, for links to products (default: %(default)s)",
        )
        parser.add_argument("--port", type=port_number, help="answer by HTTP at this port")
        parser.add_argument(
            "--host", default=server.HOST, help="the address to listen at (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from shop.api import assistants, assistants_http
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "mcp":
                raise
            raise CommandError(INSTALL, returncode=2) from error
        if options["port"] is None:
            assistants.make_server(options["site"]).run("stdio")
            return
        server.check_port(options["port"], options["host"])
        self.stderr.write(f"Assistants: http://{options['host']}:{options['port']}/mcp")
        assistants_http.serve(options["site"], options["host"], options["port"])
