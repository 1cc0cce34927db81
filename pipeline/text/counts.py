"""How often words stand in the training texts, and what follows from it."""

from collections import Counter
from collections.abc import Mapping


def by_frequency(counts: Mapping[str, int]) -> list[str]:
    """The words, most frequent first, ties by spelling."""
    return sorted(counts, key=lambda word: (-counts[word], word))


def of_characters(counts: Mapping[str, int]) -> Counter[str]:
    characters: Counter[str] = Counter()
    for word, n in counts.items():
        for character in word:
            characters[character] += n
    return characters
