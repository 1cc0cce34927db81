"""The encoding of a file that is not UTF-8: charset-normalizer's candidates, and alphabets.

The single-byte encodings of Latin letters differ in a few of them, and charset-normalizer alone
takes French in cp1252 for cp1257. So the file's words are read by each candidate: they must be
spelled by the letters of one, two or three languages which are written in that encoding.
"""

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from itertools import combinations, pairwise
from typing import NamedTuple

from charset_normalizer import from_bytes

from configs.loading import RecipeError
from pipeline.prepare.dialects import HEAD, MARKS, Dialect
from pipeline.prepare.files import opened
from pipeline.prepare.lines import lines

WESTERN = {
    "French": "àâæçéèêëîïôœùûüÿ",
    "German": "äöüß",
    "Spanish": "áéíñóúü",
    "Portuguese": "áâãàçéêíóôõúü",
    "Italian": "àèéìíîòóùú",
    "Swedish": "åäöé",
    "Danish": "æøåéóô",
    "Dutch": "éèëïóöüê",
    "Catalan": "àçèéíïòóúü",
    "Icelandic": "áéíóúýþæðö",
}
CENTRAL = {
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîşţ",
    "Croatian": "čćđšž",
}
BALTIC = {"Lithuanian": "ąčęėįšųūž", "Latvian": "āčēģīķļņšūž", "Estonian": "äõöüšž"}
CYRILLIC = {
    "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "Serbian": "абвгдђежзијклљмнњопрстћуфхцчџш",
}
# In the order in which equals are taken: the commonest first.
LANGUAGES: dict[str, dict[str, str]] = {
    "cp1252": WESTERN,
    "cp1250": CENTRAL,
    "cp1251": CYRILLIC,
    "cp1254": {"Turkish": "âçğıîöşüû"},
    "cp1253": {"Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"},
    "cp1257": BALTIC,
    "iso8859_2": CENTRAL,
    "koi8_r": CYRILLIC,
    "mac_roman": WESTERN,
    "cp850": WESTERN,
    "cp866": CYRILLIC,
    "cp1255": {"Hebrew": "".join(map(chr, range(0x5D0, 0x5EB)))},
    "cp1256": {"Arabic": "".join(map(chr, range(0x621, 0x6D3)))},
}
OTHERS = ("gb18030", "big5", "cp932", "euc_jp", "cp949")  # of thousands of characters
WIDE = ("utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be")

# Dashes, quotation marks, dots and blanks, which may stand between letters, and other signs.
JOINING = set("\u2013\u2014\u2018\u2019\u2026\u00b7\u00a0\u00ad")
SIGNS = JOINING | set("\u201a\u201b\u201c\u201d\u201e\u2039\u203a\u2022\u20ac\u2122")
SIGNS |= set(map(chr, range(0xA1, 0xC0))) | {"\u00d7", "\u00f7"}
WORD = re.compile(rb'[^\s,;"]*[\x80-\xff][^\s,;"]*')
MOST_LINES, MOST_WORDS = 10_000, 2_000  # that are looked at, of those with more than ASCII
SPELLED = 0.95  # of the words, that other words may be names and slips
CLEARER = 0.05  # by charset-normalizer's measure of chaos, from 0 to 1
SHOWN = 5


class Found(NamedTuple):
    encoding: str
    words: tuple[str, ...]  # some, as this encoding spells them


def encoding(path: str) -> Found | None:
    """What a text file is written in; None where UTF-8 or its byte order mark says it.

    Raises:
        RecipeError: it is not UTF-8, and what it is cannot be told.
        JobError: the file cannot be read.
    """
    with opened(path) as file:
        head = file.read(HEAD)
    if head.startswith(tuple(MARKS)):
        return None
    if b"\0" in head:
        return _wide(path, head)
    words = _words(path)
    return _told_apart(path, words) if words else None


def _wide(path: str, head: bytes) -> Found:
    best = from_bytes(head[: len(head) // 4 * 4], cp_isolation=list(WIDE)).best()
    if best is None:
        raise RecipeError(f"{path}: holds NULs, so it is no text, or cut off: say --format")
    name = best.encoding.replace("_", "-")
    return Found(name, tuple(str(best).split()[:SHOWN]))


def _words(path: str) -> list[bytes]:
    """Different words beyond ASCII; none if most lines that have some are UTF-8."""
    words: Counter[bytes] = Counter()
    valid = number = 0
    for line in lines(path, Dialect()):
        if line.isascii():
            continue
        number += 1
        try:
            line.decode("utf-8")
            valid += 1
        except UnicodeDecodeError:
            if len(words) < MOST_WORDS:
                words.update(WORD.findall(line))
        if number == MOST_LINES:
            break
    return list(words) if 2 * valid < number else []


def _told_apart(path: str, words: list[bytes]) -> Found:
    sample = b" ".join(words)
    chaos = {
        name: match.chaos
        for match in from_bytes(sample, cp_isolation=[*LANGUAGES, *OTHERS], threshold=0.2)
        for name in match.could_be_from_charset
    }
    read = {name: sample.decode(name).split(" ") for name in chaos}
    with suppress(UnicodeDecodeError):  # charset-normalizer takes prices in pounds for noise
        read["cp1252"] = sample.decode("cp1252").split(" ")
    for number in (1, 2, 3):
        for name, languages in LANGUAGES.items():
            if name in read and _share_spelled(read[name], languages, number) >= SPELLED:
                return Found(name, tuple(read[name][:SHOWN]))
    ranked = sorted(chaos, key=lambda name: chaos[name])
    rivals = [name for name in ranked[1:] if read[name] != read[ranked[0]]]
    if ranked and (not rivals or chaos[rivals[0]] - chaos[ranked[0]] > CLEARER):
        return Found(ranked[0], tuple(read[ranked[0]][:SHOWN]))
    examples = "".join(f"\n  {name}: {' '.join(read[name][:SHOWN])}" for name in ranked[:6])
    raise RecipeError(
        f"{path}: not UTF-8, and in which encoding it is written is not clear: say it with"
        f" --encoding NAME. Some words of it are in{examples or ' no encoding that is common'}"
    )


def _share_spelled(words: list[str], languages: dict[str, str], number: int) -> float:
    """Of the words, those that some languages spell, at best, if it may be so many languages."""
    alphabets = {language: set(letters) for language, letters in languages.items()}
    by_language = Counter(_languages(word, alphabets) for word in words)
    return max(
        sum(n for able, n in by_language.items() if able & set(some))
        for some in combinations(alphabets, min(number, len(alphabets)))
    ) / len(words)


def _languages(word: str, alphabets: dict[str, set[str]]) -> frozenset[str]:
    """Those with all the letters of a word beyond ASCII, whose signs stand where signs do."""
    if any(_misplaced(word[i - 1 : i + 2]) for i in range(1, len(word) - 1)):
        return frozenset()
    if any(one.islower() and other.isupper() for one, other in pairwise(word)):
        return frozenset()
    letters = {c for c in word.lower() if not c.isascii() and c not in SIGNS and c != "\u0307"}
    return frozenset(name for name, alphabet in alphabets.items() if letters <= alphabet)


def _misplaced(three: Iterable[str]) -> bool:
    before, sign, after = three
    return sign in SIGNS - JOINING and before.isalpha() and after.isalpha()
