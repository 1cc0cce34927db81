"""A log that is asked to say the same thing again and again."""

import logging

import pytest

from serving import log_limits


@pytest.fixture
def log(monkeypatch):
    """A logger with the limit, the lines it wrote, and a clock to be set."""
    lines, clock = [], [100.0]
    monkeypatch.setattr(log_limits.time, "monotonic", lambda: clock[0])
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    handler.addFilter(log_limits.LogLimit())
    logger = logging.Logger("flooded")
    logger.addHandler(handler)
    return logger, lines, clock


def test_a_flood_is_cut_and_counted(log):
    logger, lines, clock = log
    for turn in range(3):
        for number in range(1_000):
            logger.error("client %d said what it likes", number)
            if number % 100 == 0:
                logger.error("another line is another kind: %d", number)
        clock[0] += 61
        assert len(lines) == (turn + 1) * (log_limits.MOST + 10)
    left_out = 1_000 - log_limits.MOST
    assert lines.count(f"client 0 said what it likes ({left_out} like this were left out)") == 2
