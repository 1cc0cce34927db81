"""Jobs of ULMFiT's classifier: replicas share their statistics, frozen layers stay as they were."""

import pytest
from outcomes import TWO_REPLICAS, losses
from safetensors.numpy import load_file

SMALL = [
    "model={kind: awd_lstm, width: 8, units: 6, layers: 2, dropouts: {scale: 0}, head: {dropouts:"
    " [0, 0]}}",
    "train.window=4",
    "train.batch_size=31",  # on two replicas one row more, to fill it up
    "train.epochs=2",
]


def weights(run_dir):
    return load_file(run_dir / "training" / "weights.safetensors")


@pytest.fixture(scope="module")
def one_device(train_here, tmp_path_factory):
    return train_here(tmp_path_factory.mktemp("one"), *SMALL)


@pytest.mark.slow
def test_two_replicas_give_the_losses_and_the_statistics_of_one_device(train, one_device, tmp_path):
    two = train(tmp_path, *SMALL, TWO_REPLICAS)
    assert losses(two) == pytest.approx(losses(one_device), abs=1e-5)
    for name in ("moving_mean", "moving_variance"):
        expected = weights(one_device)[f"head/norm_0/{name}"]
        assert weights(two)[f"head/norm_0/{name}"] == pytest.approx(expected, abs=1e-4)


def test_frozen_layers_stay_as_they_were(train_here, tmp_path):
    """16 steps are an epoch, in which the head trains alone; then the upper layer joins in."""

    def after(steps):
        settings = ["train.gradual_unfreezing=true", f"train.max_steps={steps}"]
        run_dir = train_here(tmp_path / str(steps), *SMALL, *settings)
        checkpoint = run_dir / "checkpoints" / f"step-{steps:08d}"
        return load_file(checkpoint / "variables.safetensors")

    first, second = after(1), after(18)
    moved = {path for path in first if (first[path] != second[path]).any()}
    layers = {path.rsplit("/", 1)[0] for path in moved}
    assert {"encoder/layer_1", "head/inner", "head/norm_0"} <= layers
    assert not {"embeddings", "encoder/layer_0"} & layers
