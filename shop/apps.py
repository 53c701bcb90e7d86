import gc

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from shop import checks, security_log  # noqa: F401  they register checks and receivers

        # What is imported now is no garbage, so it is not searched again and again.
        gc.freeze()
        gc.enable()
