"""`manage.py` with encoders that need no model and without starter synonyms.

    BATCH_SECONDS=0.1 python -m tests.fake_manage embed_catalog …

Each batch of texts takes this time, 0 by default, so that a test can stop the process meanwhile.
Loading a model takes more than two seconds of CPU time, and the synonyms take three.
"""

import gc
import os
import sys
import time

import numpy as np

from embedding import encoder
from tests.fakes import WordsAndColours


class Slow(WordsAndColours):
    def encode_texts(self, texts: list[str]) -> np.ndarray:
        time.sleep(float(os.environ.get("BATCH_SECONDS", 0)))
        return super().encode_texts(texts)


def main() -> None:
    gc.disable()  # as manage.py does
    vars(encoder)["get_encoder"] = lambda name, device=None: Slow(name)  # before others import it
    from catalog.synonyms import store

    vars(store)["starter_rows"] = tuple
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
