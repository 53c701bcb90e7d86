"""Marks what a shopper has typed in a suggestion."""

import re

from catalog.text import fold

WORD = re.compile(r"[^\W_]+")


def split_matched(text: str, matched: str) -> list[tuple[str, bool]]:
    """The parts of `text`, and whether each is the beginning of a word that `matched` has.

    Case and accents do not matter: "Crème" has the parts "Crè" and "me" for "cre".
    """
    folded, places = "", []
    for place, letter in enumerate(text):
        form = fold(letter)
        folded += form
        places += [place] * len(form)
    is_marked = [False] * len(text)
    for word in WORD.findall(fold(matched)):
        for found in re.finditer(rf"(?<![^\W_]){re.escape(word)}", folded):
            for place in places[found.start() : found.end()]:
                is_marked[place] = True
    parts: list[tuple[str, bool]] = []
    for letter, marked in zip(text, is_marked, strict=True):
        if parts and parts[-1][1] == marked:
            parts[-1] = parts[-1][0] + letter, marked
        else:
            parts.append((letter, marked))
    return parts
