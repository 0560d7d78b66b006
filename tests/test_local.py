"""The local denoiser: what each place sees, weights of its own, bounded weights for genomes."""

import pytest
import torch

from syncohort.diffusion.denoisers import build_denoiser
from syncohort.diffusion.denoisers.local import PositionsFirst
from syncohort.networks.position_linear import PositionLinear

N_CLASSES = 3


def build(n_blocks, n_channels=4, **options):
    mask = torch.ones(n_blocks, n_channels, dtype=torch.bool)
    network = build_denoiser("local", mask, N_CLASSES, seed=1, **options)
    with (
        torch.no_grad()
    ):  # the output starts at 0; give it weights, so that there is something to see
        weights = network.leave.weight
        weights.copy_(torch.randn(weights.shape, generator=torch.Generator().manual_seed(2)))
    return network


def inputs(network, n_rows=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, *network.mask.shape, generator=generator) * network.mask
    return x, torch.rand(n_rows, generator=generator), torch.arange(n_rows) % (N_CLASSES + 1)


def test_a_new_network_predicts_nothing():
    network = build_denoiser("local", torch.ones(10, 4, dtype=torch.bool), N_CLASSES)
    x, t, label = inputs(network)
    assert not network(x, t, label, residual=False).any()
    assert torch.equal(network(x, t, label), x)


@pytest.mark.parametrize("n_blocks", [1, 3, 8, 13])
@pytest.mark.parametrize("experts", [None, 3])
def test_any_length_and_zero_where_padded(n_blocks, experts):
    mask = torch.rand(n_blocks, 4, generator=torch.Generator().manual_seed(n_blocks)) > 0.3
    network = build_denoiser("local", mask, N_CLASSES, experts=experts, width=16)
    with torch.no_grad():
        network.leave.bias.fill_(1.0)
    x, t, label = inputs(network)
    out = network(x, t, label, residual=False)
    assert out.shape == x.shape
    assert not out[:, ~mask].any() and (out[:, mask] == 1).all()


@pytest.mark.parametrize("layers, reach", [(1, 2), (2, 4), (3, 8)])
def test_a_group_sees_as_far_as_its_layers_reach(layers, reach):
    """One group by the window of the first map, then 2^i by layer i."""
    network = build(60, group_blocks=2, width=16, layers=layers, context=0)
    x, t, label = inputs(network)
    x.requires_grad_()
    network(x, t, label, residual=False)[:, 30].sum().backward()  # block 30 is of group 15
    seen = x.grad.abs().sum(dim=(0, 2)).view(-1, 2).sum(dim=1).nonzero().flatten()
    assert seen.min() == 15 - reach and seen.max() == 15 + reach


def test_the_context_carries_the_rest_of_the_row():
    network = build(60, group_blocks=2, width=16, layers=1, context=8)
    x, t, label = inputs(network)
    x.requires_grad_()
    network(x, t, label, residual=False)[:, 30].sum().backward()
    assert (x.grad.abs().sum(dim=(0, 2)) > 0).all()


def test_rows_do_not_see_each_other():
    network = build(12, width=16)
    x, t, label = inputs(network, n_rows=5)
    together = network(x, t, label, residual=False)
    alone = torch.cat(
        [network(x[i : i + 1], t[i : i + 1], label[i : i + 1], residual=False) for i in range(5)]
    )
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_time_and_label_matter():
    network = build(12, width=16)
    with torch.no_grad():
        network.place.normal_(generator=torch.Generator().manual_seed(3))
    x, t, label = inputs(network)
    base = network(x, t, label, residual=False)
    assert (network(x, 1 - t, label, residual=False) - base).abs().max() > 1e-3
    assert (network(x, t, (label + 1) % 4, residual=False) - base).abs().max() > 1e-3


def test_position_linear_is_a_map_of_its_own_at_each_position():
    for experts in (None, 4):
        torch.manual_seed(0)
        layer = PositionLinear(5, 3, 2, experts)
        x = torch.randn(7, 5, 3)
        expected = [x[:, p] @ layer.weights()[p] + layer.bias[p] for p in range(5)]
        torch.testing.assert_close(layer(x), torch.stack(expected, dim=1))
        first = PositionsFirst(5, 3, 2, experts)
        first.load_state_dict(layer.state_dict())
        torch.testing.assert_close(first(x.transpose(0, 1)), layer(x).transpose(0, 1))


def test_experts_bound_the_weights_of_a_whole_genome():
    """26,624 blocks of 8 PCs: the paper's 1000 Genomes, padded."""

    def count(**options):
        mask = torch.ones(26_624, 8, dtype=torch.bool, device="meta")
        network = build_denoiser("local", mask, 26, **options)
        return sum(each.numel() for each in network.parameters())

    with torch.device("meta"):
        exact, shared = count(), count(experts=32)
    assert exact > 500e6
    # what is left per position: maps in and out, its mix of experts, biases, gates and labels
    assert shared < exact / 6
