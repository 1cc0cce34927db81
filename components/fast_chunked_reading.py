"""Whole texts in chunks with the activations of one chunk in memory, for TensorFlow.

The way there keeps the state that each chunk starts from and where the largest outputs were. The
way back reads each chunk again, takes its derivative and adds it up; what nobody trains is not
derived. `components.chunked_reading` holds the portable way; tests hold them equal.
"""

import tensorflow as tf
from tensorflow.python.eager import record


def features(encoder, x, drawn, mask, window, training):
    """As `components.chunked_reading.portable`, to the same numbers.

    A tape that is to see x must be in the same compiled function as this.
    """
    given = [x, *(tensor for tensor in tf.nest.flatten(drawn) if tensor is not None)]
    # What is frozen, and all below it, no tape watches; TensorFlow has no public way to ask.
    sought = [n for n, tensor in enumerate(given) if record.should_record_backprop([tensor])]
    chunks = Chunks(encoder, given, drawn, mask, window, training)
    if not sought:
        return chunks.pooled(*chunks.forward()[:3])

    @tf.custom_gradient
    def reading(*tensors):
        for place, tensor in zip(sought, tensors, strict=True):
            chunks.given[place] = tensor
        last, best, total, places, starts = chunks.forward()

        def gradient(slope):
            return chunks.backward(slope, sought, places, starts)

        return chunks.pooled(last, best, total), gradient

    return reading(*(given[n] for n in sought))


class Chunks:
    """The chunks of some texts; `given` holds the vectors (B, T, D) and all that was drawn."""

    def __init__(self, encoder, given, drawn, mask, window, training):
        self.encoder, self.given, self.drawn = encoder, given, drawn
        self.mask, self.window, self.training = mask, window, training
        self.lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        self.number = (tf.shape(mask)[1] + window - 1) // window

    def forward(self):
        """What pools are made of, the places (B, width) of the largest outputs, and the states
        that the chunks start from, each (N, B, U).
        """
        rows, width = tf.shape(self.given[0])[0], self.encoder.width
        state = [tf.zeros([rows, width]) for width in self.encoder.state_widths]
        starts = [tf.TensorArray(tf.float32, self.number) for _ in state]
        dtype = tf.as_dtype(self.encoder.compute_dtype)
        last, total = tf.zeros([rows, width], dtype), tf.zeros([rows, width])
        best, places = tf.fill([rows, width], -float("inf")), tf.zeros([rows, width], tf.int32)

        def body(n, state, starts, last, best, total, places):
            # For a derivative that is not ours, of a tape that is not there yet.
            state = [tf.stop_gradient(s) for s in state]
            starts = [array.write(n, s) for array, s in zip(starts, state, strict=True)]
            outputs, state = self.read(n, self.slice(self.given[0], n), self.given, state)
            exact, real = tf.cast(outputs, tf.float32), self.slice(self.mask, n)[..., None]
            last += tf.matmul(self.at_last(n, dtype), outputs)[:, 0]
            total += tf.reduce_sum(exact, axis=1)  # 0 at padding
            seen = tf.where(real, exact, -float("inf"))
            highest = tf.reduce_max(seen, axis=1)
            place = n * self.window + tf.argmax(seen, axis=1, output_type=tf.int32)
            places = tf.where(highest > best, place, places)
            return n + 1, state, starts, last, tf.maximum(best, highest), total, places

        first = (tf.constant(0), state, starts, last, best, total, places)
        _, _, starts, last, best, total, places = self.one_by_one(body, first)
        return last, best, total, places, [array.stack() for array in starts]

    def pooled(self, last, best, total):
        some = (self.lengths > 0)[:, None]
        mean = total / self.divisor
        parts = [last, tf.where(some, best, 0.0), mean]
        return tf.concat([tf.cast(part, last.dtype) for part in parts], axis=-1)

    def backward(self, slope, sought, places, starts):
        """The gradients of those of `given` whose numbers are sought, from that of the pools."""
        slope = tf.split(tf.cast(slope, tf.float32)[:, None], 3, axis=-1)  # (B, 1, width) each
        along, weights = 0 in sought, [n for n in sought if n]
        x = self.given[0]
        shape = [None, None, x.shape[-1]]  # the last chunk may be shorter
        found = tf.TensorArray(x.dtype, self.number, infer_shape=False, element_shape=shape)
        sums = [tf.zeros(tf.shape(self.given[n])) for n in weights]

        def body(n, found, sums):
            given, x = list(self.given), self.slice(self.given[0], n)
            sources = [x] * along + [given[n] for n in weights]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                outputs, _ = self.read(n, x, given, [start[n] for start in starts])
            share = tf.cast(self.shared(n, *slope, places), outputs.dtype)
            slopes = tape.gradient(outputs, sources, share)
            if along:
                found = found.write(n, tf.transpose(slopes.pop(0), [1, 0, 2]))
            sums = [
                total + tf.cast(slope, tf.float32)
                for total, slope in zip(sums, slopes, strict=True)
            ]
            return n + 1, found, sums

        first = (tf.constant(0), found, sums)
        _, found, sums = self.one_by_one(body, first)
        slopes = [tf.cast(s, self.given[n].dtype) for n, s in zip(weights, sums, strict=True)]
        if along:
            slopes.insert(0, tf.transpose(found.concat(), [1, 0, 2]))
        return slopes

    def shared(self, n, last, best, mean, places):
        """What of the pools' gradient goes to each output of a chunk: (B, t, width)."""
        here = self.here(n)[None, :, None]
        share = tf.where(here == self.lengths[:, None, None] - 1, last, 0.0)
        share += tf.where(here == places[:, None], best, 0.0) + mean / self.divisor[:, None]
        return tf.where(self.slice(self.mask, n)[..., None], share, 0.0)

    def one_by_one(self, body, first):
        """All chunks; TensorFlow would begin some before the ones before have left the memory."""
        return tf.while_loop(lambda n, *_: n < self.number, body, first, parallel_iterations=1)

    def read(self, n, x, given, state):
        flat, rest = tf.nest.flatten(self.drawn), iter(given[1:])
        drawn = [None if tensor is None else next(rest) for tensor in flat]
        drawn = tf.nest.pack_sequence_as(self.drawn, drawn)
        mask = self.slice(self.mask, n)
        return self.encoder.read(x, drawn, mask, state, training=self.training)

    def slice(self, x, n):
        return x[:, n * self.window : (n + 1) * self.window]

    def here(self, n):
        """The places in the text of a chunk's tokens."""
        return tf.range(n * self.window, tf.minimum((n + 1) * self.window, tf.shape(self.mask)[1]))

    def at_last(self, n, dtype):
        """(B, 1, t), 1 at the text's last token."""
        return tf.cast(self.here(n)[None, None] == self.lengths[:, None, None] - 1, dtype)

    @property
    def divisor(self):
        return tf.cast(tf.maximum(self.lengths, 1), tf.float32)[:, None]
