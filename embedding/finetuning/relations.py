"""Which texts and products belong together: what the losses of fine-tuning pull closer."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedding.finetuning.data import Texts
from embedding.finetuning.products import JudgedQuery, Product, kind_of
from embedding.training.losses import FALSE, TRUE, UNKNOWN


def kind_relation(products: Sequence[Product]) -> Tensor:
    """TRUE for products of the same type, UNKNOWN if they may be, otherwise FALSE: (n, n)."""
    relation = torch.full((len(products), len(products)), FALSE, dtype=torch.int8)
    for row, one in enumerate(products):
        for column, other in enumerate(products):
            kinds = kind_of(one), kind_of(other)
            vague = "type" not in one.attributes or "type" not in other.attributes
            same_group = one.attributes.get("group") == other.attributes.get("group")
            if not all(kinds):
                relation[row, column] = UNKNOWN
            elif kinds[0] == kinds[1]:
                relation[row, column] = TRUE
            elif vague and same_group:
                relation[row, column] = UNKNOWN
    return relation


def title_relation(texts: Texts, owners: NDArray[np.int64], titles: NDArray[np.int64]) -> Tensor:
    """Relation between n products and m titles, (n, m).

    A title is TRUE for products with this title, UNKNOWN for products with the attributes of one
    that has it, otherwise FALSE.
    """
    own = texts.title_of[owners]
    relation = np.full((len(owners), len(titles)), FALSE, np.int8)
    looks = texts.look_of[owners]
    for column, title in enumerate(titles):
        good = own == title
        relation[np.isin(looks, looks[good]) & (looks >= 0), column] = UNKNOWN
        relation[good, column] = TRUE
    return torch.from_numpy(relation)


def judged_relation(
    texts: Texts,
    products: Sequence[Product],
    owners: NDArray[np.int64],
    queries: Sequence[JudgedQuery],
) -> Tensor:
    """Relation between n products and m judged queries, (n, m).

    A query is UNKNOWN for products with the attributes of a relevant one.
    """
    relation = torch.full((len(owners), len(queries)), FALSE, dtype=torch.int8)
    looks = texts.look_of[owners]
    for column, query in enumerate(queries):
        good = np.array([products[owner].sku in query.relevant for owner in owners])
        alike = np.isin(looks, looks[good]) & (looks >= 0)
        relation[torch.from_numpy(alike), column] = UNKNOWN
        relation[torch.from_numpy(good), column] = TRUE
    return relation
