#!/usr/bin/env python
"""Django's command line for the shop: `manage.py help` lists the commands."""

import gc
import os
import sys

from django.core.management import execute_from_command_line

from embedding.errors import UserFacingError

if __name__ == "__main__":
    gc.disable()  # until `ShopConfig.ready`: it takes a seventh of the time of a start
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    try:
        execute_from_command_line(sys.argv)
    except UserFacingError as error:  # one in the settings, which no command has read yet
        print(f"manage.py: {error}", file=sys.stderr)
        sys.exit(2)
