"""How many misspelt titles are corrected, and how many correct words are wrongly changed.

    python -m benchmarks.spelling [--seed 0]

Uses the catalogue of the configured database. The queries are all titles with one typo, and common
words that are not in the catalogue (`spelling_words.txt`), in the singular and the plural.
"""

import argparse
import statistics
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from snowballstemmer import stemmer
from sqlalchemy import Connection, select

from catalog.db.connection import connect
from catalog.evaluation.typo_generator import add_typo
from catalog.search import spelling
from catalog.search.vocabulary import Vocabulary, get_vocabulary
from catalog.tables import PRODUCT

WORDS = Path(__file__).with_name("spelling_words.txt")
RULES: dict[str, dict[str, Any]] = {
    "default": {},
    "two edits from 6 letters": {"TWO_EDITS_FROM": 6},
    "one edit only": {"TWO_EDITS_FROM": 99},
    "first letter has no extra weight": {"FIRST_LETTER": 1},
    "first letter before frequency": {"FIRST_LETTER": 10**9},
    "meanings have no extra weight": {"MEANING": 1},
    "vowels count as other letters": {"VOWELS_FROM": 99},
    "any near word": {"FOREIGN_FROM": 0, "VOWELS_FROM": 5},
    "the model's words stay": {"VALUE_FROM": 99},
    "without common words": {"common_words": frozenset},
}
stem = stemmer("english").stemWord


def stems(text: str) -> list[str]:
    return [stem(word) for word in text.lower().split()]


def titles(connection: Connection, vocabulary: Vocabulary, random: Random) -> Counter[str]:
    """The numbers of misspelt titles that are corrected, left unchanged and wrongly corrected."""
    outcomes: Counter[str] = Counter()
    for title in connection.execute(select(PRODUCT.c.title).order_by(PRODUCT.c.id)).scalars():
        if misspelt := add_typo(title, random):
            corrected = spelling.correct(misspelt, vocabulary)
            if stems(corrected or misspelt) == stems(title):
                outcomes["right"] += 1
            else:
                outcomes["wrong" if corrected else "unchanged"] += 1
    return outcomes


def wrongly_changed(words: list[str], vocabulary: Vocabulary) -> list[str]:
    """The words that are changed although they are correct, as "word -> other"."""
    changed = ((word, spelling.correct(f"{word} 1", vocabulary)) for word in words)
    return [f"{word} -> {other.split()[0]}" for word, other in changed if other]


def milliseconds(vocabulary: Vocabulary) -> float:
    """Median time in ms to correct an unknown word with a vocabulary of 20,000 words."""
    random = Random(1)
    letters = "etaoinshrdlcumwfgypbvk"
    many = {
        "".join(random.choices(letters, k=random.randint(3, 12))): random.randint(1, 500)
        for _ in range(20_000)
    }
    large = replace(vocabulary, products={**many, **vocabulary.products})
    times = []
    for _ in range(50):
        word = "".join(random.choices(letters, k=9))
        started = time.process_time()
        spelling.correct(f"{word} 1", large)
        times.append((time.process_time() - started) * 1e3)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    with connect() as connection:
        vocabulary = get_vocabulary(connection)
        absent = [
            word for word in dict.fromkeys(WORDS.read_text().split()) if not vocabulary.knows(word)
        ]
        plurals = [f"{word}s" for word in absent]
        print(f"{len(vocabulary.products)} words in the catalogue, {len(absent)} not in it")
        columns = ("rule", "right", "unchanged", "wrong", "changed words", "changed plurals")
        print("|", " | ".join(columns), "|\n|---|---|---|---|---|---|")
        for rule, values in RULES.items():
            with patch.multiple(spelling, **{"MIN_LETTERS": spelling.MIN_LETTERS} | values):
                outcomes = titles(connection, vocabulary, Random(seed))
                shares = [
                    f"{outcomes[name] / outcomes.total():.1%}"
                    for name in ("right", "unchanged", "wrong")
                ]
                singular = wrongly_changed(absent, vocabulary)
                plural = wrongly_changed(plurals, vocabulary)
            print("|", " | ".join([rule, *shares, str(len(singular)), str(len(plural))]), "|")
            if not values:
                print("  changed:", ", ".join(singular + plural))
    print(f"{milliseconds(vocabulary):.2f} ms for an unknown word and a vocabulary of 20,000 words")


if __name__ == "__main__":
    main()
