"""The operations about the catalogue: one product, the models, and their coverage."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from ninja import Router

from catalog.active_models import models_in_use
from catalog.db.connection import connect
from catalog.db.replica import connect_to_read, reads_replica
from embedding.registry import get_spec
from shop.api import schemas
from shop.api.addresses import Addresses, addresses_of
from shop.api.answers import number, picture
from shop.api.models import Scope
from shop.api.problems import Problem
from shop.api.responses import json_response
from shop.api.tokens import requires
from shop.embedding_state import embedding_states
from shop.models import Product, ProductImage

router = Router()


@router.get(
    "/products/{sku:sku}",
    response=schemas.Product,
    operation_id="product",
    summary="Read a product",
)
def product(request: HttpRequest, sku: str) -> HttpResponse:
    """All about the product with this SKU.

    In the path, the characters `/`, `\\` and `%` of a SKU are escaped twice, such as `%252F`.
    """
    return json_response(request, read_product(sku, addresses_of(request)))


@router.get(
    "/models", response=schemas.ModelsResponse, operation_id="models", summary="List the models"
)
def models(request: HttpRequest) -> HttpResponse:
    """The models that searches can use, the default one first."""
    in_use = _read_models()
    content = schemas.ModelsResponse(
        models=[
            schemas.Model(
                name=spec.name,
                label=spec.label,
                summary=spec.summary,
                modalities=list(spec.modalities),
                default=place == 0,
            )
            for place, spec in enumerate(map(get_spec, in_use))
        ]
    )
    return json_response(request, content)


@router.get(
    "/coverage",
    auth=requires(Scope.COVERAGE),
    response=schemas.CoverageResponse,
    operation_id="coverage",
    summary="How much is embedded",
)
def coverage(request: HttpRequest) -> HttpResponse:
    """How many texts and pictures each model has embedded. Needs a token with `coverage`."""
    with connect() as connection:
        content = schemas.CoverageResponse(
            coverage=[
                schemas.Coverage(
                    model=model,
                    modality=modality,
                    total=it.total,
                    embedded=it.embedded,
                    stale=it.stale,
                    missing=it.missing,
                    failed=it.failed,
                )
                for model, modality, it in embedding_states(connection)
            ]
        )
    return json_response(request, content)


@reads_replica
def _read_models() -> list[str]:
    with connect_to_read() as connection:
        return models_in_use(connection)


@reads_replica
def read_product(sku: str, addresses: Addresses) -> schemas.Product:
    """All about a product.

    Raises:
        Problem: there is no such product.
    """
    found = Product.objects.filter(sku=sku).first()
    if found is None:
        detail = "There is no product with this SKU."
        raise Problem(HTTPStatus.NOT_FOUND, "unknown_product", detail)
    images = ProductImage.objects.filter(product=found).order_by("position")
    pictures = (picture(it.path, it.width, it.height, addresses) for it in images)
    return schemas.Product(
        sku=found.sku,
        title=found.title,
        description=found.description,
        brand=found.brand,
        category=found.category,
        subcategory=found.subcategory,
        product_type=found.product_type,
        gender=found.gender,
        colour=found.colour,
        usage=found.usage,
        price=number(found.price),
        regular_price=number(found.regular_price),
        currency=found.currency,
        in_stock=found.in_stock,
        attributes=found.attributes if isinstance(found.attributes, dict) else {},
        url=addresses.product(found.sku),
        pictures=[it for it in pictures if it is not None],
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
