"""The denoising networks: the paper's parameter counts, and a plain reference for each."""

import numpy as np
import pytest
import torch

from syncohort.denoisers import build_denoiser
from syncohort.errors import InputError

WIDTHS = [288, 64, 32]
N_CLASSES = 3


@pytest.fixture
def mask() -> torch.Tensor:
    mask = torch.ones(10, 4, dtype=torch.bool)
    mask[::3, 2:] = False
    return mask


@pytest.fixture
def mlp(mask):
    return build_denoiser("mlp", mask, N_CLASSES, seed=1, widths=WIDTHS)


def inputs(mask, n_rows=7):
    x = torch.randn(n_rows, *mask.shape, generator=torch.Generator().manual_seed(0)) * mask
    return x, torch.linspace(0.01, 1, n_rows), torch.arange(n_rows) % (N_CLASSES + 1)


def test_parameter_count_mlp():
    """METHODS 1.3: 18,432 genes x 8 PCs, two classes and the null label."""
    with torch.device("meta"):
        network = build_denoiser("mlp", torch.ones(18_432, 8, dtype=torch.bool), 2)
    assert sum(each.numel() for each in network.parameters()) == 310_094_848
    assert not next(network.buffers()).is_floating_point()  # the mask alone


def reference_mlp(weights, x, fraction, label, mask):
    """METHODS 1.3 for one row, in numpy, layer by layer."""

    def linear(name, h):
        return weights[f"{name}.weight"] @ h + weights[f"{name}.bias"]

    def silu(h):
        return h / (1 + np.exp(-h))

    def group_norm(name, h):
        groups = h.reshape(min(32, len(h) // 8), -1)
        spread = np.sqrt(groups.var(axis=1, keepdims=True) + 1e-5)
        h = ((groups - groups.mean(axis=1, keepdims=True)) / spread).ravel()
        return h * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    h, skips = x.ravel(), []
    for level in ("down.0", "down.1"):
        residual = silu(linear(f"{level}.enter", h))
        skips.append(silu(linear(f"{level}.skip", residual)))
        h = silu(linear(f"{level}.leave", group_norm(f"{level}.norm", skips[-1]))) + residual
    h = silu(group_norm("bottleneck.1", linear("bottleneck.0", h)))
    h = silu(linear("bottleneck.3", h))
    for level in ("up.0", "up.1"):
        residual = silu(linear(f"{level}.enter", h))
        h = np.concatenate([group_norm(f"{level}.norm", residual), skips.pop()])
        h = silu(linear(f"{level}.merge", h))
        h = h * linear(f"{level}.label", np.eye(N_CLASSES + 1)[label])
        h = h + linear(f"{level}.time", np.array([fraction]))
        h = silu(linear(f"{level}.leave", h)) + residual
    h = linear("head.2", silu(group_norm("head.0", h)))
    return (x + h.reshape(x.shape)) * mask


def test_mlp_is_the_written_architecture(mlp, mask):
    with torch.no_grad():
        for each in mlp.parameters():  # norms too, whose weights start at 1 and 0
            each.normal_(std=0.3, generator=torch.Generator().manual_seed(each.numel()))
    weights = {name: each.double().numpy() for name, each in mlp.state_dict().items()}
    x, fraction, label = inputs(mask)
    found = mlp.double()(x.double(), fraction.double(), label).detach().numpy()
    for row in range(len(x)):
        expected = reference_mlp(
            weights, x[row].double().numpy(), fraction[row].item(), label[row], mask.numpy()
        )
        np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-9)


def test_mlp_uses_time_label_and_null_label(mlp, mask):
    x, fraction, _ = inputs(mask, 1)
    by_label = [mlp(x, fraction, torch.tensor([label])) for label in range(N_CLASSES + 1)]
    for i, one in enumerate(by_label):
        assert all(not torch.allclose(one, other) for other in by_label[:i])
    later = mlp(x, fraction + 0.5, torch.tensor([0]))
    assert not torch.allclose(later, by_label[0])


def test_mlp_trains_every_weight(mlp, mask):
    x, fraction, label = inputs(mask, 8)
    mlp(x, fraction, label).square().sum().backward()
    idle = [name for name, each in mlp.named_parameters() if not each.grad.any()]
    assert not idle


def test_mlp_adds_its_input_unless_told_not_to(mlp, mask):
    x, fraction, label = inputs(mask)
    torch.testing.assert_close(
        mlp(x, fraction, label, residual=False) + x, mlp(x, fraction, label), atol=1e-5, rtol=0
    )


def test_padded_positions_come_out_as_zero(mlp, mask):
    x, fraction, label = inputs(mask)
    assert (mlp(x + 1, fraction, label)[:, ~mask] == 0).all()


def test_weights_come_from_the_seed_alone(mask):
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one = build_denoiser("mlp", mask, N_CLASSES, seed=1, widths=WIDTHS)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(6)
    two = build_denoiser("mlp", mask, N_CLASSES, seed=1, widths=WIDTHS)
    other = build_denoiser("mlp", mask, N_CLASSES, seed=2, widths=WIDTHS)
    assert torch.equal(one.head[2].weight, two.head[2].weight)
    assert not torch.equal(one.head[2].weight, other.head[2].weight)


def test_unusable_networks_are_refused(mask):
    with pytest.raises(InputError, match="'unet' is unknown; use one of mlp"):
        build_denoiser("unet", mask, 2)
    for widths in ([64], [100, 50], [64, 0]):
        with pytest.raises(InputError, match="at least two, each a multiple of 32"):
            build_denoiser("mlp", mask, 2, widths=widths)
