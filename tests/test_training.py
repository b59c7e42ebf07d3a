import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from course_utils.checkpoints import save_checkpoint
from course_utils.models import FashionCNN, FashionDNN
from course_utils.training import History, evaluate, fit, predict, standardize, to_float

CPU = torch.device("cpu")


def two_sides() -> tuple[torch.Tensor, torch.Tensor]:
    """Two hundred pictures that are bright on the left or on the right."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 60, (200, 1, 28, 28), dtype=torch.uint8, generator=generator)
    labels = torch.arange(200) % 2
    images[labels == 0, :, :, :14] += 120
    images[labels == 1, :, :, 14:] += 120
    return images, labels


split = pytest.fixture(two_sides)


def train(split, seed=0, build=FashionDNN, **options) -> tuple[nn.Module, History]:
    torch.manual_seed(seed)
    model = build()
    options = {"epochs": 3, "batch_size": 20, "device": CPU, "bfloat16": False} | options
    return model, fit(model, *split, seed=seed, **options)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("build", [FashionDNN, FashionCNN])
@pytest.mark.parametrize("schedule", ["one-cycle", "constant"])
def test_fit_learns(split, build, schedule):
    model, history = train(split, build=build, schedule=schedule, validation=split)
    loss, accuracy = evaluate(model, *split)
    assert accuracy > 0.99
    assert history.validation_accuracy[-1] == accuracy
    assert history.validation_loss[-1] == pytest.approx(loss)
    assert len(history.step_loss) == 30
    assert len(history.seconds) == len(history.train_accuracy) == 3
    assert not history.interrupted


def rates_of(split, **options) -> list[float]:
    """The learning rate of each step."""
    rates = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    try:
        train(split, **options)
    finally:
        hook.remove()
    return rates


def test_one_cycle_rate_climbs_to_its_peak_and_falls(split):
    rates = rates_of(split, schedule="one-cycle", learning_rate=0.01)
    peak = rates.index(max(rates))
    assert rates[peak] == pytest.approx(0.01, rel=0.02)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[0] < 0.001
    assert rates[-1] < 1e-5


def test_constant_rate_is_constant(split):
    assert rates_of(split, schedule="constant") == [1e-3] * 30


def test_a_single_step_learns(split):
    model, history = train(split, epochs=1, batch_size=200)
    assert len(history.step_loss) == 1
    torch.manual_seed(0)
    assert (weights(model) - weights(FashionDNN())).abs().max() > 1e-4


def test_fit_equals_a_plain_loop(split):
    images, labels = split
    _, history = train(split, schedule="constant")
    torch.manual_seed(0)
    model = FashionDNN()
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        for batch in torch.randperm(200).split(20):
            loss = nn.functional.cross_entropy(model(standardize(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    torch.testing.assert_close(history.step_loss, losses, rtol=1e-3, atol=1e-5)


def test_the_device_may_be_named_and_the_seed_be_numpys(split):
    named, _ = train(split, epochs=1, device="cpu", seed=np.int64(0))
    expected, _ = train(split, epochs=1)
    assert torch.equal(weights(named), weights(expected))


def test_seed_decides_everything_and_nothing_else_changes(split):
    state = torch.random.get_rng_state()
    first, _ = train(split, seed=1)
    torch.random.set_rng_state(state)
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    fit(FashionDNN(), *split, epochs=1, device=CPU, bfloat16=False)
    torch.manual_seed(99)
    FashionDNN()  # what was drawn outside of fit
    assert not torch.equal(before, torch.random.get_rng_state())
    after_model = torch.random.get_rng_state()
    torch.manual_seed(99)
    fit(FashionDNN(), *split, epochs=1, device=CPU, bfloat16=False)
    assert torch.equal(after_model, torch.random.get_rng_state())
    again, _ = train(split, seed=1)
    other, _ = train(split, seed=2)
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_bfloat16_gives_nearly_the_same_losses(split):
    _, exact = train(split, build=FashionCNN)
    _, rounded = train(split, build=FashionCNN, bfloat16=True)
    assert exact.step_loss != rounded.step_loss
    assert exact.step_loss[:5] == pytest.approx(rounded.step_loss[:5], rel=0.1)


def interrupt_after(batches: int):
    """A `prepare` that presses stop once it has prepared `batches` batches."""
    left = batches

    def prepare(images):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return to_float(images)

    return prepare


def test_interrupt_keeps_what_was_learned(split):
    model, history = train(split, prepare=interrupt_after(25))
    assert history.interrupted
    assert len(history.train_loss) == 2
    assert "interrupted" in repr(history)
    torch.manual_seed(0)
    assert not torch.equal(weights(model), weights(FashionDNN()))
    assert evaluate(model, *split, prepare=to_float)[1] > 0.9


def test_interrupt_in_the_first_epoch_is_an_interrupt(split):
    with pytest.raises(KeyboardInterrupt):
        train(split, prepare=interrupt_after(3))


def test_resumed_training_ends_where_an_unbroken_one_does(split, tmp_path):
    checkpoint = tmp_path / "folder" / "dnn.pt"
    unbroken, _ = train(split, prepare=to_float)
    _, broken = train(split, prepare=interrupt_after(25), checkpoint=checkpoint)
    assert broken.interrupted
    resumed, history = train(split, prepare=to_float, checkpoint=checkpoint)
    assert torch.equal(weights(unbroken), weights(resumed))
    assert len(history.step_loss) == 30
    assert not history.interrupted
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


def test_checkpoint_of_another_device_is_resumed(split, tmp_path):
    checkpoint = tmp_path / "dnn.pt"
    train(split, prepare=interrupt_after(25), checkpoint=checkpoint)
    from_gpu = {"device": "cuda", "device_random": torch.zeros(16, dtype=torch.uint8)}
    torch.save(torch.load(checkpoint) | from_gpu, checkpoint)
    resumed, _ = train(split, prepare=to_float, checkpoint=checkpoint)
    unbroken, _ = train(split, prepare=to_float)
    assert torch.equal(weights(unbroken), weights(resumed))


def test_checkpoint_of_another_training_is_refused(split, tmp_path):
    checkpoint = tmp_path / "dnn.pt"
    train(split, epochs=1, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="another training"):
        train(split, epochs=2, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="another training"):
        train(split, build=FashionCNN, epochs=1, checkpoint=checkpoint)
    checkpoint.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="not a checkpoint"):
        train(split, epochs=1, checkpoint=checkpoint)


def test_failed_save_leaves_the_old_checkpoint(split, monkeypatch, tmp_path):
    checkpoint = tmp_path / "dnn.pt"
    train(split, epochs=1, checkpoint=checkpoint)
    old = checkpoint.read_bytes()

    def full_disk(state, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(checkpoint, {})
    assert checkpoint.read_bytes() == old
    assert list(tmp_path.iterdir()) == [checkpoint]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x, y: (x.float(), y), "images must be uint8"),
        (lambda x, y: (x[:, 0], y), "images must be uint8"),
        (lambda x, y: (x, y[:-1]), r"labels must be int64 \[200\]"),
        (lambda x, y: (x, y.float()), "labels must be int64"),
        (lambda x, y: (x[:1], y[:1]), "at least"),
    ],
)
def test_wrong_input_is_named(split, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(change(*split))


@pytest.mark.parametrize("options", [{"epochs": 0}, {"batch_size": 1}])
def test_wrong_settings_are_named(split, options):
    with pytest.raises(ValueError, match="at least"):
        train(split, **options)


def test_last_batch_of_one_image_is_left_out(split):
    images, labels = split
    _, history = train((images[:41], labels[:41]), build=FashionCNN, epochs=1)
    assert len(history.step_loss) == 2


@pytest.mark.parametrize("training", [True, False])
def test_predict_leaves_the_mode_and_does_not_depend_on_batches(split, training):
    model = FashionCNN().train(training)
    running_mean = model.bn1.running_mean.clone()
    logits = predict(model, split[0])
    assert model.training is training
    assert torch.equal(model.bn1.running_mean, running_mean)
    assert not logits.requires_grad
    torch.testing.assert_close(logits, predict(model, split[0], batch_size=7))


def test_standardize_uses_the_statistics_of_fashion_mnist():
    from course_utils.datasets import fashion_mnist

    pixels = standardize(fashion_mnist().train.images)
    assert pixels.mean().item() == pytest.approx(0, abs=0.01)
    assert pixels.std().item() == pytest.approx(1, abs=0.01)
