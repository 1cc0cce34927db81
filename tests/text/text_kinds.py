"""Texts that break tokenizers, the kinds of tokenizers, and how to learn one."""
# ruff: noqa: RUF001  letters of other scripts are meant

from collections import Counter

import tensorflow as tf

from configs.data import Text
from pipeline.text import cleaning, splitting, tokenizers, vocabulary

GOLDEN = [
    b"The film wasn't bad; the actors' work isn't 'great', but it's fun!",
    "Cafe\u0301 café CAFÉ naïve Ångström ΑΣ ΟΔΟΣ ẞ straße".encode(),
    "ISTANBUL İstanbul IĞDIR Ìo Í J\u0301 Į\u0303".encode(),
    "好きな映画です。 中国人 漢字\u3099々".encode(),
    "مرحبا بالعالم می\u200cخواهم שָׁלוֹם".encode(),
    "हिन्दी में क्\u200dष ไทยภาษา".encode(),
    "👍🏽 👨\u200d👩\u200d👧 ❤\ufe0f great😊".encode(),
    "wait… ﬁne ½ cup № ２０２４ ㎏ a\u00adb".encode(),
    "non\u00a0breaking \u3000ideographic\u2003em\u2028line\x85next\ttab\r\nend \x1c".encode(),
    b"a <b class='x'>bold</b> claim<br/><br />3 < 4 &amp; 5 > 4 &lt;i&gt; &quot;q&quot; &amp;lt;",
    b"[PAD] [UNK] [CLS] [SEP] [MASK] x[MASK]y ##ing <unk> <s> \xe2\x96\x81the",
    b"nul\x00in the middle, caf\xc3 cut, \xff\xfe bad, \xed\xa0\x80 surrogate, \xc0\x80 overlong",
    b"",
    b" \t\n ",
    b"'' ' '' ''word'' rock'n'roll o\xe2\x80\x99clock x'",
    b"very " * 3000 + b"l" + b"o" * 3000 + b"ng",
]
KINDS = {
    "words": {"kind": "word"},
    "whitespace": {"kind": "word", "split": "whitespace"},
    "wordpiece": {"kind": "wordpiece", "size": 500, "min_count": 1},
    "unigram": {"kind": "sentencepiece", "size": 400, "character_coverage": 1.0},
    "bpe": {"kind": "sentencepiece", "algorithm": "bpe", "size": 400, "character_coverage": 1.0},
    "character": {"kind": "character"},
}


def make(kind, texts=GOLDEN, **settings):
    """A tokenizer that was learned from the texts."""
    text = Text.model_validate({"tokenizer": KINDS[kind], **settings})
    words = splitting.words(cleaning.clean(tf.constant(texts), text), text)
    counts = Counter(word.decode() for word in words.flat_values.numpy())
    return tokenizers.Tokenizer(text, vocabulary.learn(counts, text.tokenizer))
