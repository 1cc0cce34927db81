"""The learning rate as a function of the step."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class WarmupThen(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to `peak`, then follow the curve `kind` down to `end` times the peak.

    Call: step, counted from 0 -> the rate. The first `warmup_steps` steps take 1/w, 2/w, ... 1 of
    the peak; `constant` stays there, `linear` and `cosine` reach the end at step `total_steps`.
    Source of the cosine: Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, equation 5.
    """

    def __init__(self, peak, kind, total_steps, warmup_steps=0, end=0.0):
        super().__init__()
        self.peak, self.kind, self.end = peak, kind, end
        self.total_steps, self.warmup_steps = total_steps, warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = (step + 1.0) / max(self.warmup_steps, 1)
        decay_steps = max(self.total_steps - self.warmup_steps, 1)
        done = ops.clip((step - self.warmup_steps) / decay_steps, 0.0, 1.0)
        left = {
            "constant": ops.ones_like(done),
            "linear": 1.0 - done,
            "cosine": 0.5 * (1.0 + ops.cos(done * 3.141592653589793)),
        }[self.kind]
        falling = left if self.kind == "constant" else self.end + (1.0 - self.end) * left
        return self.peak * ops.where(step < self.warmup_steps, rising, falling)

    def get_config(self):
        return {
            "peak": self.peak,
            "kind": self.kind,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "end": self.end,
        }
