import pytest
import tensorflow as tf

from pipeline.errors import JobError
from pipeline.prepare import shards


def written(folder, unit, split, count, size=2):
    with shards.Shards(folder, unit, size) as open_shards:
        for i in range(count):
            open_shards.write(split, b"%d" % i)
    return open_shards.done


def records(path):
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


def test_shards_are_named_over_all_units_in_their_order(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.mkdir()
    target.mkdir()
    made = [written(source, 0, "train", 3), written(source, 1, "train", 1)]
    names = shards.move(made, source, target)
    assert names == {"train": [f"train-0000{i}-of-00003.tfrecord" for i in range(3)]}
    assert [records(target / name) for name in names["train"]] == [[b"0", b"1"], [b"2"], [b"0"]]
    assert list(source.iterdir()) == []


def test_a_try_that_fails_leaves_no_shard(tmp_path):
    def fail():
        with shards.Shards(tmp_path, 0, 10) as open_shards:
            open_shards.write("train", b"x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_shard_that_is_not_as_written_is_noticed(tmp_path, harm):
    made = [written(tmp_path, 0, "train", 2)]
    (path,) = tmp_path.iterdir()
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    with pytest.raises(JobError, match="is not what a worker says it wrote"):
        shards.move(made, tmp_path, tmp_path)
