"""Cleaning of raw texts, in TensorFlow ops, so that Beam and the served model do the same.

Whatever the settings say, the result is valid UTF-8 without NULs: each byte that does not belong
becomes U+FFFD, and so does NUL (https://spec.commonmark.org/0.31.2/#insecure-characters), at which
`tf.strings.lower` would cut the text off.
"""

import tensorflow as tf
import tensorflow_text as tf_text

from configs.data import Text

_CLEAN_UTF8 = r"[\x01-\x{D7FF}\x{E000}-\x{10FFFF}]*"
_TAG = r"<[/!?]?[A-Za-z][^<>]*>"
_TAG_OR_COMMENT = rf"(?s)<!--.*?-->|{_TAG}"
# The ampersand comes last, so that nothing is undone twice.
_ENTITIES = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&(?:apos|#39|#x27);": "'",
    "&nbsp;": "\N{NO-BREAK SPACE}",
    "&amp;": "&",
}
# Unicode's White_Space property: ASCII's, and the others.
WIDE_SPACE = r"[\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]"
# A lone plain space needs no replacing, and leaving it alone is ten times as fast.
_SPACES = rf"(?:[\t-\r ]|{WIDE_SPACE}){{2,}}|[\t-\r]|{WIDE_SPACE}"
# As in Unicode's Stream-Safe Text Format. What NFKC makes a mark of counts as one.
_THIRTY_MARKS = r"[\pM\x{FF9E}\x{FF9F}]{30}"
_GRAPHEME_JOINER = "\N{COMBINING GRAPHEME JOINER}"
# Three of these are whitespace elsewhere.
UNSEEN = r"[\x01-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\p{Cf}\p{Co}\x{FFFD}]"


def clean(texts: tf.Tensor, settings: Text) -> tf.Tensor:
    """Clean a batch: (B,) string -> (B,) string, each text by itself."""
    return clean_plain(plain(texts, settings), settings)


def plain(texts: tf.Tensor, settings: Text) -> tf.Tensor:
    """The first of cleaning, which looks at whole texts: all that follows looks at words."""
    texts = valid_utf8(texts)
    return _without_html(texts) if settings.html else texts


def clean_plain(texts: tf.Tensor, settings: Text) -> tf.Tensor:
    """The rest of cleaning."""
    if settings.drop_controls:
        texts = tf.strings.regex_replace(texts, UNSEEN, "")
    if settings.unicode != "none":
        texts = _normalized(texts, settings.unicode.upper())
    if settings.strip_accents:
        texts = _without_accents(texts)
    if settings.lower:
        texts = _lower(texts)
    if settings.whitespace:
        texts = tf.strings.strip(tf.strings.regex_replace(texts, _SPACES, " "))
    return texts


def valid_utf8(texts: tf.Tensor) -> tf.Tensor:
    """(B,) string of any bytes -> (B,) string of UTF-8 without NULs."""

    def mend() -> tf.Tensor:
        valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        return tf.strings.regex_replace(valid, r"\x00", "\N{REPLACEMENT CHARACTER}")

    # Looking is five times as fast as mending, and mending leaves good texts as they are.
    good = tf.reduce_all(tf.strings.regex_full_match(texts, _CLEAN_UTF8))
    return tf.cond(good, lambda: texts, mend)


def replace_tags(texts: tf.Tensor, rewrite: str) -> tf.Tensor:
    """Replace HTML tags and comments; what `<!--` begins and nothing ends is text.

    Behind the last `-->` no comment is looked for: each `<!--` there would be followed to the end
    of the text, in quadratic time. Args: rewrite, as of `tf.strings.regex_replace`.
    """
    rest = tf.strings.regex_replace(texts, r"(?s)\A.*-->", "", replace_global=False)
    size = tf.strings.length(texts) - tf.strings.length(rest)
    begun = tf.strings.substr(texts, tf.zeros_like(size), size)
    begun = tf.strings.regex_replace(begun, _TAG_OR_COMMENT, rewrite)
    return tf.strings.join([begun, tf.strings.regex_replace(rest, _TAG, rewrite)])


def _without_html(texts: tf.Tensor) -> tf.Tensor:
    texts = replace_tags(texts, " ")
    for entity, character in _ENTITIES.items():
        texts = tf.strings.regex_replace(texts, entity, character)
    return texts


def _without_accents(texts: tf.Tensor) -> tf.Tensor:
    """Decompose, and leave out what has no width of its own; Hangul stays in its letters, as BERT
    has it.
    """
    return tf.strings.regex_replace(_normalized(texts, "NFD"), r"\p{Mn}+", "")


def _normalized(texts: tf.Tensor, form: str) -> tf.Tensor:
    """A Unicode form of texts, in which no run of more than 30 marks is put into order.

    Ordering a run takes time quadratic in its length, so a grapheme joiner parts longer ones, which
    is seen as little as they are meant to be and loses none of them; text of any language has
    shorter ones. Source: https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format.
    """
    parted = tf.strings.regex_replace(texts, _THIRTY_MARKS, rf"\0{_GRAPHEME_JOINER}")
    return tf_text.normalize_utf8(parted, form)


def _lower(texts: tf.Tensor) -> tf.Tensor:
    # ICU lowers ASCII and these five by the machine's locale (Turkish, Azeri, Lithuanian), and a
    # server must not differ from the training machine: they are lowered before it sees them.
    texts = tf.strings.lower(texts)
    for letter in "İÌÍĨĮ":
        texts = tf.strings.regex_replace(texts, letter, letter.lower())
    return tf.strings.lower(texts, encoding="utf-8")
