import time

import pytest

from pipeline.prepare import batches


def test_batches_hold_everything_once_within_bounds(monkeypatch):
    monkeypatch.setattr(batches, "COUNT", 4)
    monkeypatch.setattr(batches, "BYTES", 10)
    sizes = [1, 1, 1, 1, 1, 9, 9, 30, 2, 8, 1]
    got = list(batches.batched(sizes, lambda size: size))
    assert got == [[1, 1, 1, 1], [1, 9], [9], [30], [2, 8], [1]]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_keep_the_order_and_read_little_ahead(threads):
    read = []

    def items():
        for i in range(20):
            read.append(i)
            yield i

    def work(i):
        time.sleep(0.01 if i % 3 == 0 else 0.001)
        return i

    done = []
    for i in batches.mapped(work, items(), threads):
        done.append(i)
        assert len(read) - len(done) <= threads
    assert done == list(range(20))


def test_an_error_in_a_thread_is_an_error_here():
    with pytest.raises(ZeroDivisionError):
        list(batches.mapped(lambda i: 1 // i, [1, 0, 1], 2))
