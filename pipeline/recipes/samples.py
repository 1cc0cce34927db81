"""What is kept of files of any size, to know them by: a fair sample, and hashes of their texts."""

from hashlib import blake2b
from random import Random
from typing import Any

MOST_TEXTS = 1 << 19  # whose hashes are kept, about 60 MB
HASHES = 1 << 64  # how many there are


class Sample:
    """Items drawn from all that are offered, each with the same chance; all of them if they fit.

    They are drawn at random, not each tenth or so: the rows of many a file take turns.
    """

    def __init__(self, room: int):
        self.room, self.share = room, 1.0
        self.used = 0
        self._drawn: list[tuple[float, int, Any]] = []  # the draw, the size, the item
        self._random = Random(1)

    def offer(self, item: Any, size: int = 1) -> None:
        drawn = self._random.random()
        if drawn >= self.share:
            return
        self._drawn.append((drawn, size, item))
        self.used += size
        while self.used > self.room and len(self._drawn) > 1:
            self.share /= 2
            self._drawn = [each for each in self._drawn if each[0] < self.share]
            self.used = sum(size for _, size, _ in self._drawn)

    @property
    def items(self) -> list[Any]:
        return [item for _, _, item in self._drawn]


class Repeats:
    """How many texts repeat an earlier one: counted, or of very many estimated.

    Estimated from the texts with small hashes: so all copies of a text are among them, or none.
    """

    def __init__(self, most: int = MOST_TEXTS):
        self.most, self.limit = most, HASHES
        self._copies: dict[int, int] = {}

    def add(self, texts: tuple[bytes, ...]) -> None:
        key = int.from_bytes(blake2b(b"\0".join(texts), digest_size=8).digest())
        if key >= self.limit:
            return
        self._copies[key] = self._copies.get(key, 0) + 1
        while len(self._copies) > self.most:
            self.limit //= 2
            self._copies = {k: n for k, n in self._copies.items() if k < self.limit}

    @property
    def number(self) -> int:
        repeated = sum(self._copies.values()) - len(self._copies)
        return round(repeated * HASHES / self.limit)
