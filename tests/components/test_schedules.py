"""Learning rates against the papers' formulas, written out step by step."""

import math

import pytest

from components.schedules import OneCycle, SlantedTriangular, WarmupThen
from configs.training import Train
from pipeline import build


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("constant", [0.5, 1.0, 2.0, 2.0, 2.0, 2.0]),
        ("linear", [0.5, 1.0, 2.0, 2.0 * 0.55, 2.0 * 0.1, 2.0 * 0.1]),
        ("cosine", [0.5, 1.0, 2.0, 2.0 * 0.55, 2.0 * 0.1, 2.0 * 0.1]),
    ],
)
def test_schedules_rise_then_follow_their_curve(kind, expected):
    schedule = WarmupThen(2.0, kind, total_steps=20, warmup_steps=4, end=0.1)
    got = [float(schedule(step)) for step in (0, 1, 3, 11, 19, 30)]
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_without_a_warm_up_the_first_step_has_the_peak_and_the_last_the_end(kind):
    schedule = WarmupThen(2.0, kind, total_steps=5, end=0.25)
    rates = [float(schedule(step)) for step in range(5)]
    assert (rates[0], rates[2], rates[-1]) == pytest.approx((2.0, 1.25, 0.5))
    assert sorted(rates, reverse=True) == rates
    assert float(WarmupThen(2.0, kind, total_steps=1)(0)) == 2.0


def test_the_cosine_is_not_the_line():
    quarter = WarmupThen(1.0, "cosine", total_steps=9)(2)
    assert float(quarter) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)), abs=1e-6)


def howard_and_ruder(t, total, cut_frac, ratio, peak):
    """Equation 3, with its names."""
    cut = math.floor(total * cut_frac)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
    return peak * (1 + p * (ratio - 1)) / ratio


@pytest.mark.parametrize(("total", "cut", "ratio"), [(100, 0.1, 32.0), (40, 0.25, 8.0)])
def test_slanted_triangles_are_equation_3(total, cut, ratio):
    schedule = SlantedTriangular(0.01, total, cut, ratio)
    expected = [howard_and_ruder(t, total, cut, ratio, 0.01) for t in range(total)]
    assert [float(schedule(t)) for t in range(total)] == pytest.approx(expected, rel=1e-5)
    assert max(expected) == pytest.approx(0.01)


@pytest.mark.parametrize("total", [3, 19])
def test_a_slanted_triangle_of_few_steps_stays_above_its_end(total):
    rates = [float(SlantedTriangular(1.0, total)(t)) for t in range(total)]
    assert min(rates) == pytest.approx(1 / 32)
    assert max(rates) == pytest.approx(1.0)


def fastai(t, total, rise, start, end, peak):
    """`combined_cos` of `SchedCos`, at the position that `fit_one_cycle` has at step t."""

    def sched_cos(first, last, pos):
        return first + (1 + math.cos(math.pi * (1 - pos))) * (last - first) / 2

    pos = t / total
    if pos < rise:
        return sched_cos(peak * start, peak, pos / rise)
    return sched_cos(peak, peak * end, (pos - rise) / (1 - rise))


@pytest.mark.parametrize(("rise", "start", "end"), [(0.25, 0.04, 1e-5), (0.4, 0.5, 0.0)])
def test_one_cycle_is_fastais(rise, start, end):
    schedule = OneCycle(0.3, 57, rise, start, end)
    expected = [fastai(t, 57, rise, start, end, 0.3) for t in range(58)]
    assert [float(schedule(t)) for t in range(58)] == pytest.approx(expected, abs=1e-6)
    assert float(schedule(1000)) == pytest.approx(expected[-1], abs=1e-6)


@pytest.mark.parametrize(
    ("chosen", "at_0"),
    [
        ({"kind": "slanted_triangular", "cut": 0.5, "ratio": 4.0}, 0.5 / 4),
        ({"kind": "one_cycle", "start": 0.1}, 0.5 * 0.1),
    ],
)
def test_recipes_name_schedules(chosen, at_0):
    settings = Train(schedule=chosen, learning_rate=0.5)
    optimizer = build.build_optimizer(settings, 10, [[]])
    assert float(optimizer.learning_rate) == pytest.approx(at_0)


@pytest.mark.parametrize("made", [SlantedTriangular(0.1, 7, 0.2, 3.0), OneCycle(0.1, 7, 0.2, 0.3)])
def test_a_schedule_can_be_made_anew_of_its_arguments(made):
    again = type(made).from_config(made.get_config())
    assert [float(again(t)) for t in range(7)] == [float(made(t)) for t in range(7)]
