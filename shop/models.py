"""Unmanaged Django models of the catalogue's tables, which only Alembic changes.

The tables are defined in `catalog.tables`; `tests/shop/test_models.py` compares the columns.
Generated columns are left out, because only PostgreSQL writes them.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from catalog.tables import FACET_KINDS, FACET_ROLES
from shop.attributes_field import AttributesField


class Product(models.Model):
    """A product of the shop, identified by its `sku`. A trigger keeps `updated_at`."""

    sku = models.TextField(unique=True)
    title = models.TextField()
    description = models.TextField(blank=True, default="")
    brand = models.TextField(blank=True, default="")
    category = models.TextField(blank=True, default="")
    subcategory = models.TextField(blank=True, default="")
    product_type = models.TextField(blank=True, default="")
    gender = models.TextField(blank=True, default="")
    colour = models.TextField(blank=True, default="")
    usage = models.TextField(blank=True, default="")
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    regular_price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.TextField(blank=True, default="")
    in_stock = models.BooleanField(default=True)
    attributes = AttributesField(blank=True, default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(
        db_default=Now(), blank=True, editable=False
    )  # kept by a trigger

    class Meta:
        managed = False
        db_table = "product"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.sku} {self.title}"


class ProductImage(models.Model):
    """A picture of a product. The main picture has position 0."""

    # The foreign key of the table has ON DELETE CASCADE.
    product = models.ForeignKey(Product, models.DO_NOTHING, related_name="+")
    position = models.IntegerField()
    path = models.TextField()
    sha256 = models.TextField()
    width = models.IntegerField()
    height = models.IntegerField()

    class Meta:
        managed = False
        db_table = "product_image"
        ordering: ClassVar = ["product_id", "position"]

    def __str__(self) -> str:
        return f"picture {self.position + 1}"


class Facet(models.Model):
    """A property of products that can be filtered; see `catalog.tables.Facet`."""

    name = models.TextField(primary_key=True)
    label = models.TextField()
    kind = models.TextField(default="other", choices=[(kind, kind) for kind in FACET_KINDS])
    position = models.IntegerField()
    enabled = models.BooleanField(default=True)
    source = models.TextField(default="starter")
    role = models.TextField(
        blank=True, default="", choices=[(role, role) for role in FACET_ROLES if role]
    )

    class Meta:
        managed = False
        db_table = "facet"
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.label


class EmbeddingFailure(models.Model):
    """A text or picture that a model could not embed; `image` is NULL where the text failed."""

    model = models.TextField()
    product = models.ForeignKey(Product, models.DO_NOTHING, related_name="+")
    image = models.ForeignKey(
        ProductImage, models.DO_NOTHING, related_name="+", null=True, blank=True
    )
    source = models.TextField()
    reason = models.TextField()
    failed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "embedding_failure"
        ordering: ClassVar = ["-failed_at"]

    def __str__(self) -> str:
        return f"{self.model}: {self.reason}"


class SearchWeights(models.Model):
    """The weights of the signals for a kind of query; see `catalog.search.weights`."""

    query = models.TextField(primary_key=True)
    structure = models.FloatField()
    lexical = models.FloatField()
    text = models.FloatField()
    image = models.FloatField()
    min_match = models.FloatField(null=True, blank=True)
    products = models.IntegerField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "search_weights"
        verbose_name = verbose_name_plural = "search settings"
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return f"weights of {self.query}"


class Synonym(models.Model):
    """A word or phrase of shoppers and what it means, in search."""

    class Relation(models.TextChoices):
        BOTH = "both", "both ways: the two are equal"
        ONE_WAY = "one-way", "one way: who asks for the phrase is served by the meaning"
        CLOSE = "close", "close: one way, where there is nothing better"

    phrase = models.TextField()
    meaning = models.TextField()
    relation = models.TextField(choices=Relation, default=Relation.BOTH)
    language = models.TextField(
        blank=True, default="", help_text="a code such as en or de; empty for any language"
    )
    source = models.TextField(default="admin")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False
        db_table = "synonym"
        ordering: ClassVar = ["phrase", "meaning", "language"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["phrase", "meaning", "language"],
                name="synonym_phrase_meaning_language_key",
                violation_error_message="This synonym is there already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.phrase}: {self.meaning}"
