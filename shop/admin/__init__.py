"""The admin: products, facets, synonyms, failures and weights. The site itself is
`shop.admin_site`."""

from shop.admin.facets import FacetAdmin as FacetAdmin
from shop.admin.failures import EmbeddingFailureAdmin as EmbeddingFailureAdmin
from shop.admin.products import ProductAdmin as ProductAdmin
from shop.admin.search_weights import SearchWeightsAdmin as SearchWeightsAdmin
from shop.admin.synonyms import SynonymAdmin as SynonymAdmin
