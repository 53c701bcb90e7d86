"""The synthetic catalogue of benchmarks is written in blocks, and is what a shop would have."""

import numpy as np
import pytest

from benchmarks import synthetic
from catalog.db.connection import connect
from catalog.indexing.hnsw import has_index
from embedding.registry import get_spec

PRODUCTS, PICTURES = 250, 2

WRONG_SIGNS = """
SELECT count(*) FROM {table} e FULL JOIN {table}_signs s USING ({key})
  LEFT JOIN product p ON p.id = s.product_id
 WHERE (s.product_id, s.signs, s.price, s.in_stock, s.facets)
       IS DISTINCT FROM (e.product_id, binary_quantize(e.embedding), p.price, p.in_stock, p.facets)
"""


def test_blocks_change_nothing(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_spec("fashion")
    whole = synthetic.clustered(PRODUCTS, model.dimensions, np.random.default_rng(1))
    near, vectors = whole.near(20), whole.vectors
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    with connect() as connection:
        before = connection.exec_driver_sql(indexes).all()
    monkeypatch.setattr(synthetic, "BLOCK", 100)
    with connect() as connection:
        data = synthetic.fill_synthetic(connection, model, PRODUCTS, pictures=PICTURES)
    assert [len(ids) for ids, _ in data.blocks()] == [100, 100, 50]
    assert np.array_equal(data.vectors, vectors)
    assert np.array_equal(data.near(20), near)
    with connect() as connection:
        texts = connection.exec_driver_sql(
            "SELECT embedding FROM fashion_text ORDER BY product_id"
        ).scalars()
        stored = np.stack([it.to_numpy() for it in texts])
        assert np.allclose(stored, vectors, atol=1e-3)
        pictures = connection.exec_driver_sql(
            "SELECT count(*), count(DISTINCT e.product_id)"
            " FROM fashion_image e JOIN product_image i"
            " ON (i.id, i.product_id) = (e.image_id, e.product_id)"
        ).one()
        assert tuple(pictures) == (PICTURES * PRODUCTS, PRODUCTS)
        for table, key in (("fashion_text", "product_id"), ("fashion_image", "image_id")):
            wrong = WRONG_SIGNS.format(table=table, key=key)
            assert connection.exec_driver_sql(wrong).scalar() == 0
        assert has_index(connection, "fashion", "text")
        assert connection.exec_driver_sql(indexes).all() == before
