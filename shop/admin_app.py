"""Django's admin with the shop's own site. A module of its own: `shop.apps` may define only one
app."""

from django.contrib.admin.apps import AdminConfig


class ShopAdminConfig(AdminConfig):
    default = False
    default_site = "shop.admin_site.ShopAdminSite"
