from django.contrib import admin
from django.urls import path, register_converter

from shop import (
    compare_views,
    converters,
    crawlers,
    product_views,
    suggest_views,
    thumbnails,
    views,
)
from shop.api.app import api
from shop.security_txt import security_txt

register_converter(converters.SkuConverter, "sku")
register_converter(converters.PictureConverter, "picture")
register_converter(converters.WidthConverter, "width")
register_converter(converters.ImagePathConverter, "image_path")

handler400 = "shop.error_handlers.bad_request"
handler403 = "shop.error_handlers.permission_denied"
handler404 = "shop.error_handlers.page_not_found"
handler500 = "shop.error_handlers.server_error"

urlpatterns = [
    path("", views.search_page, name="search"),
    path("suggest/", suggest_views.suggestions, name="suggest"),
    path("product/<sku:sku>", product_views.product_page, name="product"),
    path("picture/", views.upload_picture, name="upload"),
    path("picture/<picture:name>", views.query_picture, name="picture"),
    path("picture/<picture:name>/small", views.query_picture, {"side": 480}, "small_picture"),
    path(
        f"media/{thumbnails.THUMBNAILS}/<width:width>/<image_path:path>",
        views.product_image,
        name="image",
    ),
    path("compare/", compare_views.compare_page, name="compare"),
    path("compare/picture/", compare_views.upload_picture, name="compare_upload"),
    path("compare/verdict/", compare_views.store_verdict, name="verdict"),
    path(".well-known/security.txt", security_txt, name="security_txt"),
    path("robots.txt", crawlers.robots_txt, name="robots"),
    path("sitemap.xml", crawlers.sitemap_index, name="sitemap_index"),
    path("sitemap-<section>.xml", crawlers.sitemap_page, name="sitemap"),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
]
