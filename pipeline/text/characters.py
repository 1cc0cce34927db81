"""Words to their characters' ids, in TensorFlow ops: the same in Beam, tf.data and the SavedModel.

The ids are those that `components.characters` tells of. AllenNLP takes a word `<S>` in a text for
the beginning of a sentence; here no word, whatever it says, has the id of a special one.
"""

import tensorflow as tf

LONGEST = 50  # ids a word; the bytes beyond 48 are cut off, even inside a character
WORD_START, WORD_END, FILL = 259, 260, 261
# The words that begin and end a sentence.
SENTENCE_START = (WORD_START, 257, WORD_END, *[FILL] * (LONGEST - 3))
SENTENCE_END = (WORD_START, 258, WORD_END, *[FILL] * (LONGEST - 3))


def character_ids(words: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
    """(...) string, ragged or not -> (..., LONGEST) int32.

    Padded to a tensor with 0, what is ragged has 0 for the characters of words that are not there.
    """
    if isinstance(words, tf.RaggedTensor):
        return tf.ragged.map_flat_values(character_ids, words)
    size = LONGEST - 2
    given = tf.cast(tf.io.decode_raw(words, tf.uint8, fixed_length=size), tf.int32) + 1
    end = tf.minimum(tf.strings.length(words), size)[..., None]
    place = tf.range(size + 1)
    after = tf.where(place == end, WORD_END, FILL)
    given = tf.pad(given, [[0, 0]] * words.shape.rank + [[0, 1]])
    inside = tf.where(place < end, given, after)
    return tf.pad(inside, [[0, 0]] * words.shape.rank + [[1, 0]], constant_values=WORD_START)
