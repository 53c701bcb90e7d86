from typing import Any

import segno
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from shop.management.base import CatalogCommand
from shop.second_factor import remove, set_up
from shop.security_log import record


class Command(CatalogCommand):
    help = (
        "Give a user of the admin a new second factor: prints a QR code for an authenticator app"
        " and recovery codes, each of which works once. Earlier ones stop working."
        " ADMIN_SECOND_FACTOR=1 asks for it. Exit status: 0 done, 2 misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user's name")
        parser.add_argument("--remove", action="store_true", help="only remove the second factor")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['name']}", returncode=2)
        if options["remove"]:
            remove(user)
            record("second factor removed", user=user.username)
            return
        address, codes = set_up(user)
        record("second factor set up", user=user.username)
        if self.stdout.isatty():
            segno.make(address).terminal(compact=True)
        self.stdout.write(address)
        self.stdout.write("\n".join(codes))
        if options["verbosity"]:
            self.stderr.write(
                "Scan or enter the address in an authenticator app, and keep the recovery codes on"
                " paper. Neither is shown again."
            )
        if not settings.ADMIN_SECOND_FACTOR:
            self.stderr.write("The admin asks for codes only with ADMIN_SECOND_FACTOR=1.")
