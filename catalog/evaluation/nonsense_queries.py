"""Nonsense queries, for which a shop should find nothing: random letters, unrelated questions."""

from random import Random
from string import ascii_lowercase

DEFAULT_COUNT = 120
"""Number of queries if none is given; half of them are random letters."""

KEY_SEQUENCES = (
    "asdfghjkl",
    "qwertyuiop",
    "zxcvbnm",
    "hjkl hjkl",
    "aaaaaaaaaa",
    "jfjfjfjf",
    "qqq www",
)
"""Typical key sequences of somebody who types at random."""

SENTENCES = (
    "how do vaccines train the immune system",
    "capital city of Mongolia",
    "solve a quadratic equation by completing the square",
    "why did the Roman republic fall",
    "symptoms of a broken collarbone",
    "convert fahrenheit to celsius",
    "who discovered the structure of DNA",
    "weather in Lisbon tomorrow afternoon",
    "how far is Neptune from the sun",
    "train timetable from Vienna to Graz",
    "plot summary of Hamlet",
    "what is the boiling point of ethanol",
    "when was the printing press invented",
    "how to appeal a parking fine",
    "recipe for lentil soup with cumin",
    "average rainfall in the Amazon basin",
    "how does a heat pump work",
    "list of prime numbers below one hundred",
    "what causes the northern lights",
    "population of Indonesia in 1990",
    "how to conjugate irregular French verbs",
    "mortgage interest rates this month",
    "who won the chess world championship in 1972",
    "explain the theory of continental drift",
    "phone number of the tax office",
    "how long do hedgehogs hibernate",
    "difference between a virus and a bacterium",
    "treaty that ended the thirty years war",
    "how to descale a boiler",
    "lyrics of the national anthem of Peru",
    "what is inflation and who measures it",
    "python list index out of range",
    "best time to prune apple trees",
    "how are earthquakes measured",
    "moons of Jupiter by diameter",
    "opening hours of the public library",
    "meaning of the word onomatopoeia",
    "how to write a cover letter",
    "speed of sound under water",
    "election results by constituency",
    "why is the sky blue",
    "side effects of ibuprofen",
    "chord progression of a twelve bar blues",
    "how many bones are in the human skull",
    "history of the Suez canal",
    "how to renew a passport",
    "what do tardigrades eat",
    "derivative of the natural logarithm",
    "longest river in South America",
    "how to remove a wasp nest",
    "who wrote the Brandenburg concertos",
    "photosynthesis in desert plants",
    "causes of the first world war",
    "how does public key encryption work",
    "distance between Oslo and Bergen by road",
    "what is a leap second",
    "ingredients of a Waldorf salad",
    "how to change a bicycle inner tube",
    "melting glaciers and sea level",
    "rules of offside in football",
)


def nonsense_texts(random: Random, count: int | None = None) -> list[str]:
    """`count` different texts in random order; at most half are sentences, the rest letters."""
    wanted = DEFAULT_COUNT if count is None else count
    sentences = random.sample(SENTENCES, min(len(SENTENCES), wanted // 2))
    letters = dict.fromkeys(
        random.sample(KEY_SEQUENCES, min(len(KEY_SEQUENCES), wanted - len(sentences)))
    )
    while len(letters) < wanted - len(sentences):
        letters[_letters(random)] = None
    texts = [*letters, *sentences]
    random.shuffle(texts)
    return texts


def _letters(random: Random) -> str:
    words = random.choices((1, 2, 3), weights=(6, 3, 1))[0]
    return " ".join(
        "".join(random.choices(ascii_lowercase, k=random.randint(5, 11))) for _ in range(words)
    )
