"""How many misspelt titles are put right, and how many proper words are bent into others.

    python -m benchmarks.spelling [--seed 0]

On the catalogue of the configured database: each title with one slip in one of its words, and
common words that the catalogue lacks (`spelling_words.txt`), as they are and in the plural.
"""

import argparse
import statistics
import time
from collections import Counter
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
    "as it is": {},
    "two edits from 6 letters": {"TWO_EDITS_FROM": 6},
    "one edit only": {"TWO_EDITS_FROM": 99},
    "first letter counts no more": {"FIRST_LETTER": 1},
    "first letter before frequency": {"FIRST_LETTER": 10**9},
    "without the model's words": {"model_words": frozenset},
}
stem = stemmer("english").stemWord


def stems(text: str) -> list[str]:
    return [stem(word) for word in text.lower().split()]


def titles(connection: Connection, vocabulary: Vocabulary, random: Random) -> Counter[str]:
    """What became of each misspelt title."""
    outcomes: Counter[str] = Counter()
    for title in connection.execute(select(PRODUCT.c.title).order_by(PRODUCT.c.id)).scalars():
        if misspelt := add_typo(title, random):
            corrected = spelling.correct(misspelt, vocabulary)
            if stems(corrected or misspelt) == stems(title):
                outcomes["right"] += 1
            else:
                outcomes["wrong" if corrected else "left"] += 1
    return outcomes


def bent(words: list[str], vocabulary: Vocabulary) -> list[str]:
    changed = ((word, spelling.correct(f"{word} 1", vocabulary)) for word in words)
    return [f"{word} -> {other.split()[0]}" for word, other in changed if other]


def milliseconds(vocabulary: Vocabulary) -> float:
    """Median of one unknown word among 20,000 known ones."""
    random = Random(1)
    letters = "etaoinshrdlcumwfgypbvk"
    many = {
        "".join(random.choices(letters, k=random.randint(3, 12))): random.randint(1, 500)
        for _ in range(20_000)
    }
    crowd = Vocabulary({**many, **vocabulary.products}, vocabulary.stems)
    times = []
    for _ in range(50):
        word = "".join(random.choices(letters, k=9))
        started = time.perf_counter()
        spelling.correct(f"{word} 1", crowd)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    with connect() as connection:
        vocabulary = get_vocabulary(connection)
        absent = [
            word
            for word in dict.fromkeys(WORDS.read_text().split())
            if word not in vocabulary.products and stem(word) not in vocabulary.stems
        ]
        plurals = [f"{word}s" for word in absent]
        print(f"{len(vocabulary.products)} words in the catalogue, {len(absent)} not in it")
        print("| rule | right | left | wrong | bent | bent plurals |\n|---|---|---|---|---|---|")
        for rule, values in RULES.items():
            with patch.multiple(spelling, **{"MIN_LETTERS": spelling.MIN_LETTERS} | values):
                outcomes = titles(connection, vocabulary, Random(seed))
                shares = [
                    f"{outcomes[name] / outcomes.total():.1%}"
                    for name in ("right", "left", "wrong")
                ]
                singular, plural = bent(absent, vocabulary), bent(plurals, vocabulary)
            print("|", " | ".join([rule, *shares, str(len(singular)), str(len(plural))]), "|")
            if not values:
                print("  bent:", ", ".join(singular + plural))
    print(f"{milliseconds(vocabulary):.2f} ms for an unknown word among 20,000")


if __name__ == "__main__":
    main()
