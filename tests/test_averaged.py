"""Networks whose predictions are averaged (`denoiser.networks`)."""

import pytest
import torch

from syncohort.diffusion.demand import demand_of, training_seconds
from syncohort.diffusion.denoisers import build_denoiser
from syncohort.diffusion.sizing import sized_training
from syncohort.generators.conditioning import Told

N_CLASSES = 3
MASK = torch.ones(10, 4, dtype=torch.bool)
SMALL = {"kind": "local", "width": 16, "layers": 2, "context": 8}


def build(networks, **options):
    """Averaged networks with weights everywhere, also where they start at 0."""
    network = build_denoiser(
        mask=MASK, n_classes=N_CLASSES, seed=1, networks=networks, **SMALL, **options
    )
    with torch.no_grad():
        for i, each in enumerate(network.parameters()):
            each.normal_(std=0.3, generator=torch.Generator().manual_seed(i))
    return network.eval()


def inputs(n_rows=7):
    x = torch.randn(n_rows, *MASK.shape, generator=torch.Generator().manual_seed(0))
    return x, torch.linspace(0.01, 1, n_rows), torch.arange(n_rows) % (N_CLASSES + 1)


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("networks", [2, 3])
def test_people_are_drawn_from_the_mean_of_all(networks, residual):
    network = build(networks)
    alone = [each(*inputs(), residual) for each in network.networks]
    assert not torch.allclose(alone[0], alone[1])
    torch.testing.assert_close(network(*inputs(), residual), torch.stack(alone).mean(dim=0))


@pytest.mark.parametrize(("networks", "rows"), [(2, [0, 3, 7]), (3, [0, 2, 4, 7])])
def test_in_training_each_network_has_rows_of_its_own(networks, rows):
    network = build(networks).train()
    x, t, label = inputs()
    found = network(x, t, label)
    for each, start, stop in zip(network.networks, rows, rows[1:], strict=False):
        own = slice(start, stop)
        torch.testing.assert_close(found[own], each(x[own], t[own], label[own]))
    found.square().sum().backward()
    assert all(each.grad.any() for each in network.parameters())


@pytest.mark.parametrize("n_rows", [1, 2])
def test_a_last_batch_of_few_rows_trains_all(n_rows):
    """Otherwise a process of a training by several would miss a gradient that another one has."""
    network = build(3).train()
    found = network(*inputs(n_rows))
    torch.testing.assert_close(found, network.eval()(*inputs(n_rows)))
    found.square().sum().backward()
    assert all(each.grad.any() for each in network.parameters())


def test_one_network_is_itself():
    options = {"mask": MASK, "n_classes": N_CLASSES, "seed": 4, **SMALL}
    alone, first = build_denoiser(**options), build_denoiser(networks=2, **options).networks[0]
    assert type(alone) is type(first)
    for mine, other in zip(alone.parameters(), first.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_networks_begin_differently_and_the_same_from_a_seed():
    options = {"mask": MASK, "n_classes": N_CLASSES, "networks": 2, **SMALL}
    one, again = build_denoiser(seed=4, **options), build_denoiser(seed=4, **options)
    first, second = one.networks
    assert not torch.equal(first.enter.weight, second.enter.weight)
    for mine, other in zip(one.parameters(), again.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_global_vectors_and_tables_of_labels_are_those_of_each():
    network = build(2, n_scores=5)
    assert network.n_scores == 5
    weights = network.state_dict()
    assert len(network.LABEL_TABLES) == 4
    assert all(len(weights[name]) == N_CLASSES + 1 for name in network.LABEL_TABLES)
    x, t, label = inputs()
    told = Told(label, torch.randn(len(x), 5))
    alone = [each(x, t, told) for each in network.networks]
    torch.testing.assert_close(network(x, t, told), sum(alone) / 2)
    parts = [
        each(x[i:j], t[i:j], told[i:j])
        for each, i, j in zip(network.networks, (0, 3), (3, 7), strict=True)
    ]
    torch.testing.assert_close(network.train()(x, t, told), torch.cat(parts))


def test_training_takes_as_long_as_with_one_and_more_memory_for_weights():
    one, four = (demand_of({**SMALL, "networks": each}, 50, 4, N_CLASSES) for each in (1, 4))
    assert four.n_weights == 4 * one.n_weights
    assert four.gflop == pytest.approx(4 * one.gflop)
    assert four.row_bytes == pytest.approx(one.row_bytes, rel=0.1)
    # large batches, for each step of the optimiser touches the weights of all
    options = {"batch_size": 1_000, "threads": 1, "on_gpu": False}
    rows = {"n_rows": 10_000, "n_validation": 10, "epochs": 12}
    alone, together = (training_seconds(each, **rows, **options) for each in (one, four))
    assert alone < together < 1.5 * alone  # validations show each row to all
    more = {**rows, "n_validation": 1_000}
    assert training_seconds(four, **more, **options) > 1.1 * training_seconds(
        one, **more, **options
    )


@pytest.mark.parametrize(("epochs", "batch_size"), [(None, None), (30, 128), (8, 64)])
def test_each_network_is_trained_as_one_alone(epochs, batch_size):
    """As many steps, batches and passes over the rows, whether they follow from the rows or a preset says them."""
    given = {"batch_size": batch_size, "epochs": epochs, "patience": 20, "weight_decay": None}
    alone, three = (sized_training(given, 4_016, networks) for networks in (1, 3))
    if epochs is None:
        assert (alone["batch_size"], alone["epochs"]) == (128, 40)
    for name in ("batch_size", "epochs", "patience"):
        assert three[name] == 3 * alone[name]
    assert three["weight_decay"] == alone["weight_decay"]
