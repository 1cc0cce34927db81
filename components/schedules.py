"""The learning rate as a function of the step."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("textmill")
class WarmupThen(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to `peak`, then follow the curve `kind` down to `end` times the peak.

    Call: step, counted from 0 -> the rate. The first `warmup_steps` steps take 1/w, 2/w, ... 1 of
    the peak; `constant` stays there, `linear` and `cosine` reach the end at the last of
    `total_steps` steps.
    Source of the cosine: Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, equation 5.
    """

    def __init__(self, peak, kind, total_steps, warmup_steps=0, end=0.0):
        super().__init__()
        self.peak, self.kind, self.end = peak, kind, end
        self.total_steps, self.warmup_steps = total_steps, warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = (step + 1.0) / max(self.warmup_steps, 1)
        top = max(self.warmup_steps - 1, 0)  # the step that takes the whole peak
        done = ops.clip((step - top) / max(self.total_steps - 1 - top, 1), 0.0, 1.0)
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


@keras.saving.register_keras_serializable("textmill")
class SlantedTriangular(keras.optimizers.schedules.LearningRateSchedule):
    """Up to `peak` in the share `cut` of the steps, then down; both ends are 1 / ratio of the peak.

    Call: step, counted from 0 -> the rate. Where rounding the step of the peak leaves the equation
    below 0, the rate stays at 1 / ratio.
    Source: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, equation 3.
    """

    def __init__(self, peak, total_steps, cut=0.1, ratio=32.0):
        super().__init__()
        self.peak, self.total_steps, self.cut, self.ratio = peak, total_steps, cut, ratio

    def __call__(self, step):
        step = ops.cast(step, "float32")
        top = max(int(self.total_steps * self.cut), 1)
        falling = 1.0 - (step - top) / (top * (1.0 / self.cut - 1.0))
        part = ops.where(step < top, step / top, ops.maximum(falling, 0.0))
        return self.peak * (1.0 + part * (self.ratio - 1.0)) / self.ratio

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "cut": self.cut,
            "ratio": self.ratio,
        }


@keras.saving.register_keras_serializable("textmill")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """From `start` times the peak up to it and down to `end` times it, along halves of cosines.

    Call: step, counted from 0 -> the rate; the peak is at the share `rise` of the steps.
    Sources: Smith and Topin 2017, https://arxiv.org/abs/1708.07120; the cosines are those of
    fastai's `fit_one_cycle`, https://docs.fast.ai/callback.schedule.html.
    """

    def __init__(self, peak, total_steps, rise=0.25, start=0.04, end=1e-5):
        super().__init__()
        self.peak, self.total_steps, self.rise = peak, total_steps, rise
        self.start, self.end = start, end

    def __call__(self, step):
        done = ops.clip(ops.cast(step, "float32") / self.total_steps, 0.0, 1.0)
        rising = cosine(self.start, 1.0, done / self.rise)
        falling = cosine(1.0, self.end, (done - self.rise) / (1.0 - self.rise))
        return self.peak * ops.where(done < self.rise, rising, falling)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "rise": self.rise,
            "start": self.start,
            "end": self.end,
        }


def cosine(start, end, done):
    """Half a cosine from `start` to `end`; `done` is the share of the way."""
    return start + (end - start) * 0.5 * (1.0 - ops.cos(3.141592653589793 * done))
