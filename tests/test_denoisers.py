"""The denoising networks: the paper's parameter counts, and a plain reference for each."""

import numpy as np
import pytest
import torch
from scipy.special import erf, softmax

from syncohort.diffusion.denoisers import build_denoiser, count_flops, denoiser_kinds
from syncohort.diffusion.denoisers.time_embedding import sinusoids
from syncohort.errors import InputError

N_CLASSES = 3
MLP = {"widths": [288, 64, 32]}
CNN = {
    "base_width": 32,
    "multipliers": [1, 2],
    "blocks_per_level": 1,
    "attention_at": [2],
    "head_width": 16,
}
LATENT_UNET = {
    "base_width": 32,
    "multipliers": [1, 2],
    "blocks_per_level": 1,
    "label_width": 12,
    "head_width": 16,
    "dropout": 0.1,
}
OPTIONS = {
    "mlp": MLP,
    "cnn": CNN,
    "mlp_cnn": {"mlp": MLP, "cnn": CNN},
    "transformer": {"patch_blocks": 4, "width": 24, "layers": 2, "heads": 3, "feed_forward": 48},
    "latent_unet": LATENT_UNET,
}
each_denoiser = pytest.mark.parametrize("kind", OPTIONS)


def masked(n_blocks: int) -> torch.Tensor:
    mask = torch.ones(n_blocks, 4, dtype=torch.bool)
    mask[::3, 2:] = False
    return mask


@pytest.fixture
def mask() -> torch.Tensor:
    """11 blocks: neither pairs nor patches fit."""
    return masked(11)


def small(kind: str, mask):
    """A small network that takes every part of the architecture into use."""
    network = build_denoiser(kind, mask, N_CLASSES, seed=1, **OPTIONS[kind])
    with torch.no_grad():
        for i, each in enumerate(network.parameters()):  # some start at 0 or 1
            each.normal_(std=0.3, generator=torch.Generator().manual_seed(i))
    return network.eval()


def inputs(mask, n_rows=7):
    x = torch.randn(n_rows, *mask.shape, generator=torch.Generator().manual_seed(0)) * mask
    return x, torch.linspace(0.01, 1, n_rows), torch.arange(n_rows) % (N_CLASSES + 1)


def of_the_papers_size(kind: str):
    mask = torch.ones(18_432, 8, dtype=torch.bool)
    with torch.device("meta"):
        return build_denoiser(kind, mask, 2), mask


@pytest.mark.parametrize(
    "kind, count",
    [
        ("mlp", 310_094_848),
        ("cnn", 17_964_552),
        ("mlp_cnn", 310_094_848 + 17_964_552 + 385),
        ("transformer", 135_131_520),
    ],
)
def test_parameter_count_is_the_papers(kind, count):
    """docs/methods.md 1.3: 18,432 genes x 8 PCs, two classes and the null label."""
    network, _ = of_the_papers_size(kind)
    assert sum(each.numel() for each in network.parameters()) == count
    assert not any(each.is_floating_point() for each in network.buffers())  # the masks alone


def test_parameter_count_of_the_latent_unet_is_the_releases():
    """SNPgen's base configuration: one channel; the table of two labels is counted apart."""
    mask = torch.ones(64, 1, dtype=torch.bool)
    with torch.device("meta"):
        network = build_denoiser("latent_unet", mask, 2)
    assert sum(each.numel() for each in network.unet.parameters()) == 16_215_617
    assert sum(each.numel() for each in network.parameters()) == 16_215_617 + 2 * 128


def test_flops_of_the_mlp_are_two_a_weight():
    network, mask = of_the_papers_size("mlp")
    weights = sum(each.numel() for each in network.parameters() if each.dim() == 2)
    assert count_flops(network, mask, 2) == pytest.approx(2 * weights / 1e9)
    assert count_flops(network, mask, 2) == pytest.approx(2 * 310_094_848 / 1e9, rel=1e-3)


def test_flops_of_the_transformer_are_tokens_times_weights_and_attention():
    network, mask = of_the_papers_size("transformer")
    tokens, patches, layers = 1154, 1152, 12
    maps = 2 * patches * 128 * 384
    encoder = layers * (4 * 384**2 + 2 * 384 * 1536) * tokens
    attention = layers * 2 * tokens**2 * 384
    expected = 2 * (maps + encoder + attention + 384) / 1e9  # 384: of the time
    assert count_flops(network, mask, 2) == pytest.approx(expected)


def test_flops_leave_the_network_alone(mask):
    network = small("mlp_cnn", mask)
    x, fraction, label = inputs(mask)
    before = network(x, fraction, label)
    assert count_flops(network, mask, N_CLASSES) > 0
    assert torch.equal(network(x, fraction, label), before)


def assert_matches(kind, mask, reference):
    """The network gives what `reference` (weights, x, fraction, label) -> [G, K] gives row by row."""
    network = small(kind, mask).double()
    weights = {name: each.numpy() for name, each in network.state_dict().items()}
    x, fraction, label = inputs(mask)
    found = network(x.double(), fraction.double(), label, residual=True).detach().numpy()
    for row in range(len(x)):
        written = reference(weights, x[row].double().numpy(), fraction[row].item(), label[row])
        expected = (x[row].numpy() + written) * mask.numpy()
        np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-9)


def silu(h):
    return h / (1 + np.exp(-h))


def gelu(h):
    return h * (1 + erf(h / np.sqrt(2))) / 2


def standardised(h, axis):
    return (h - h.mean(axis, keepdims=True)) / np.sqrt(h.var(axis, keepdims=True) + 1e-5)


def attention(query, key, value):
    """[L, B] each -> [L, B]."""
    return softmax(query @ key.T / np.sqrt(query.shape[1]), axis=1) @ value


def reference_mlp(weights, x, fraction, label):
    """docs/methods.md 1.3 for one row, in numpy, layer by layer."""

    def linear(name, h):
        return weights[f"{name}.weight"] @ h + weights[f"{name}.bias"]

    def group_norm(name, h):
        h = standardised(h.reshape(min(32, len(h) // 8), -1), axis=1).ravel()
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
    return linear("head.2", silu(group_norm("head.0", h))).reshape(x.shape)


def same(h):
    return h


def double(h):
    return h.repeat(2, axis=1)


def join(h, skip):
    return np.concatenate([h, skip])


class Convolutions:
    """Layers of a UNet for one row, in numpy: h is [W, L]."""

    def __init__(self, weights, fraction):
        self.weights = weights
        angles = 1000 * fraction / 10_000 ** (np.arange(16) / 16)
        time = self.linear("time.0", np.concatenate([np.cos(angles), np.sin(angles)]))
        self.embedding = self.linear("time.2", silu(time))

    def linear(self, name, h):
        return self.weights[f"{name}.weight"] @ h + self.weights[f"{name}.bias"]

    def conv(self, name, h):
        kernel = self.weights[f"{name}.weight"]  # [W_out, W_in, 1 or 3]
        reach = kernel.shape[2] // 2
        h = np.pad(h, ((0, 0), (reach, reach)))
        windows = np.lib.stride_tricks.sliding_window_view(h, kernel.shape[2], axis=1)
        return np.einsum("oik,ilk->ol", kernel, windows) + self.weights[f"{name}.bias"][:, None]

    def norm(self, name, h):
        groups = standardised(h.reshape(32, -1), axis=1).reshape(h.shape)
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return groups * weight[:, None] + bias[:, None]

    def block(self, name, h, resample=same):
        residual = resample(h)
        if f"{name}.skip.weight" in self.weights:
            residual = self.conv(f"{name}.skip", residual)
        h = self.conv(f"{name}.enter", resample(silu(self.norm(f"{name}.enter_norm", h))))
        scale, shift = np.split(self.linear(f"{name}.modulate", silu(self.embedding))[:, None], 2)
        h = self.norm(f"{name}.leave_norm", h) * (1 + scale) + shift
        return self.conv(f"{name}.leave", silu(h)) + residual


def reference_cnn(weights, x, fraction, label):
    """Dhariwal & Nichol's UNet for one row and the small options, stage by stage."""
    layers = Convolutions(weights, fraction)
    layers.embedding = layers.embedding + weights["label.weight"][label]
    conv, norm, block = layers.conv, layers.norm, layers.block

    def halve(h):
        return (h[:, ::2] + h[:, 1::2]) / 2

    def attend(name, h):
        query, key, value = np.split(conv(f"{name}.enter", norm(f"{name}.norm", h)), 3)
        heads = [slice(i, i + 16) for i in range(0, len(h), 16)]
        mixed = [attention(query[each].T, key[each].T, value[each].T).T for each in heads]
        return h + conv(f"{name}.leave", np.concatenate(mixed))

    padded = np.pad(x, ((0, len(x) % 2), (0, 0))).T
    entered = conv("enter", padded)
    outer = block("down.0.0", entered)
    halved = block("down.1.0", outer, halve)
    inner = attend("down.2.1", block("down.2.0", halved))
    h = block("middle.2", attend("middle.1", block("middle.0", inner)))
    h = attend("up.0.1", block("up.0.0", join(h, inner)))
    h = attend("up.1.1", block("up.1.0", join(h, halved)))
    h = block("up.1.2", h, double)
    h = block("up.3.0", join(block("up.2.0", join(h, outer)), entered))
    return conv("head.2", silu(norm("head.0", h))).T[: len(x)]


def reference_latent_unet(weights, x, fraction, label):
    """docs/methods.md 2 for one row and the small options, stage by stage."""
    table = np.concatenate([weights["label.weight"], np.zeros((1, 12))])
    weights = {name.removeprefix("unet."): each for name, each in weights.items()}
    layers = Convolutions(weights, fraction)
    conv = layers.conv

    def linear(name, h):
        return h @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0)

    def layer_norm(name, h):
        return standardised(h, axis=1) * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attend(name, h, tokens):
        query, key, value = (
            linear(f"{name}.{part}", each)
            for part, each in (("query", h), ("key", tokens), ("value", tokens))
        )
        heads = [slice(i, i + 16) for i in range(0, h.shape[1], 16)]
        mixed = [attention(query[:, each], key[:, each], value[:, each]) for each in heads]
        return linear(f"{name}.leave", np.concatenate(mixed, axis=1))

    def transformer(name, h):
        x = linear(f"{name}.enter", layers.norm(f"{name}.norm", h).T)
        normed = layer_norm(f"{name}.around_norm", x)
        x = x + attend(f"{name}.around", normed, normed)
        x = x + attend(f"{name}.label", layer_norm(f"{name}.label_norm", x), table[label][None])
        hidden = linear(f"{name}.ahead.enter", layer_norm(f"{name}.ahead_norm", x))
        value, gate = np.split(hidden, 2, axis=1)
        x = x + linear(f"{name}.ahead.leave", value * gelu(gate))
        return h + linear(f"{name}.leave", x).T

    def residual(name, h):
        skip = conv(f"{name}.skip", h) if f"{name}.skip.weight" in weights else h
        h = conv(f"{name}.enter", silu(layers.norm(f"{name}.enter_norm", h)))
        h = h + layers.linear(f"{name}.modulate", silu(layers.embedding))[:, None]
        return conv(f"{name}.leave", silu(layers.norm(f"{name}.leave_norm", h))) + skip

    def block(name, h):
        return transformer(f"{name}.transformer", residual(f"{name}.residual", h))

    padded = np.pad(x, ((0, len(x) % 2), (0, 0))).T
    entered = conv("enter", padded)
    outer = block("down.0", entered)
    halved = conv("down.1.0", outer)[:, ::2]
    inner = block("down.2", halved)
    h = residual("middle.1.residual", block("middle.0", inner))
    h = block("up.1.0", join(block("up.0.0", join(h, inner)), halved))
    h = conv("up.1.1.1", double(h))
    h = block("up.3.0", join(block("up.2.0", join(h, outer)), entered))
    return conv("head.2", silu(layers.norm("head.0", h))).T[: len(x)]


def reference_mlp_cnn(weights, x, fraction, label):
    """docs/methods.md 1.3: (1 - lambda) MLP + lambda CNN."""

    def part(name):
        return {
            key.removeprefix(name): each for key, each in weights.items() if key.startswith(name)
        }

    hidden = silu(weights["mixing.0.weight"][:, 0] * fraction + weights["mixing.0.bias"])
    weight = 1 / (1 + np.exp(-weights["mixing.2.weight"][0] @ hidden - weights["mixing.2.bias"]))
    from_mlp = reference_mlp(part("mlp."), x, fraction, label)
    return (1 - weight) * from_mlp + weight * reference_cnn(part("cnn."), x, fraction, label)


def reference_transformer(weights, x, fraction, label):
    """docs/methods.md 1.3 for one row and the small options, in numpy, patch by patch."""

    def linear(name, h):
        return h @ weights[f"{name}weight"].T + weights[f"{name}bias"]

    def norm(name, h):
        return standardised(h, axis=1) * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def encoder_layer(name, h):
        query, key, value = np.split(linear(f"{name}.self_attn.in_proj_", h), 3, axis=1)
        heads = [slice(i, i + 8) for i in range(0, 24, 8)]
        mixed = [attention(query[:, each], key[:, each], value[:, each]) for each in heads]
        h = h + linear(f"{name}.self_attn.out_proj.", np.concatenate(mixed, axis=1))
        h = norm(f"{name}.norm1", h)
        hidden = gelu(linear(f"{name}.linear1.", h))
        return norm(f"{name}.norm2", h + linear(f"{name}.linear2.", hidden))

    def at_position(name, i, h):
        return h @ weights[f"{name}.weight"][i] + weights[f"{name}.bias"][i]

    patches = np.pad(x, ((0, -len(x) % 4), (0, 0))).reshape(-1, 16)
    tokens = [linear("time.", np.array([fraction])), weights["label.weight"][label]]
    tokens += [at_position("enter", i, patch) for i, patch in enumerate(patches)]
    h = encoder_layer("encoder.1", encoder_layer("encoder.0", np.stack(tokens)))
    h = np.stack([at_position("leave", i, token) for i, token in enumerate(h[2:])])
    return h.reshape(-1, x.shape[1])[: len(x)]


REFERENCES = {
    "mlp": reference_mlp,
    "cnn": reference_cnn,
    "mlp_cnn": reference_mlp_cnn,
    "transformer": reference_transformer,
    "latent_unet": reference_latent_unet,
}


@each_denoiser
def test_the_written_architecture(kind, mask):
    assert_matches(kind, mask, REFERENCES[kind])


@each_denoiser
@pytest.mark.parametrize("n_blocks", [1, 2, 8])
def test_any_number_of_blocks(kind, n_blocks):
    assert_matches(kind, masked(n_blocks), REFERENCES[kind])


@each_denoiser
def test_time_label_and_null_label_matter(kind, mask):
    network = small(kind, mask)
    x, fraction, _ = inputs(mask, 1)
    by_label = [network(x, fraction, torch.tensor([label])) for label in range(N_CLASSES + 1)]
    for i, one in enumerate(by_label):
        assert all(not torch.allclose(one, other) for other in by_label[:i])
    later = network(x, fraction + 0.5, torch.tensor([0]))
    assert not torch.allclose(later, by_label[0])


@each_denoiser
def test_every_weight_is_trained(kind, mask):
    network = small(kind, mask).train()
    x, fraction, label = inputs(mask, 8)
    network(x, fraction, label).square().sum().backward()
    idle = [name for name, each in network.named_parameters() if not each.grad.any()]
    assert not idle


@each_denoiser
def test_rows_do_not_see_each_other(kind, mask):
    network = small(kind, mask)
    x, fraction, label = inputs(mask)
    together = network(x, fraction, label)
    alone = [network(*(each[i : i + 1] for each in (x, fraction, label))) for i in range(len(x))]
    torch.testing.assert_close(torch.cat(alone), together, rtol=1e-3, atol=1e-3)


@each_denoiser
def test_the_input_is_added_unless_told_not_to(kind, mask):
    network = small(kind, mask)
    x, fraction, label = inputs(mask)
    torch.testing.assert_close(
        network(x, fraction, label, residual=False) + x,
        network(x, fraction, label, residual=True),
        atol=1e-4,
        rtol=1e-5,
    )


@each_denoiser
def test_padded_positions_come_out_as_zero(kind, mask):
    x, fraction, label = inputs(mask)
    assert (small(kind, mask)(x + 1, fraction, label)[:, ~mask] == 0).all()


@each_denoiser
def test_weights_come_from_the_seed_alone(kind, mask):
    def weights(seed):
        network = build_denoiser(kind, mask, N_CLASSES, seed=seed, **OPTIONS[kind])
        return torch.cat([each.flatten() for each in network.parameters()])

    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one = weights(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(6)
    assert torch.equal(one, weights(1))
    assert not torch.equal(one, weights(2))


@each_denoiser
def test_same_input_same_output(kind, mask):
    """In evaluation always, in training (dropout) given the random state."""
    network = small(kind, mask)
    assert torch.equal(network(*inputs(mask)), network(*inputs(mask)))
    network.train()
    torch.manual_seed(3)
    one = network(*inputs(mask))
    torch.manual_seed(3)
    assert torch.equal(one, network(*inputs(mask)))
    assert torch.equal(one, network(*inputs(mask))) == (kind == "mlp")  # which has no dropout


@each_denoiser
@pytest.mark.parametrize("residual", [True, False])
def test_half_precision(kind, residual, mask):
    network = small(kind, mask)
    x, fraction, label = inputs(mask)
    exact = network(x, fraction, label, residual)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = network(x, fraction, label, residual)
    assert (rough - exact).norm() < 0.05 * exact.norm()
    rough.float().square().sum().backward()
    assert all(each.grad.isfinite().all() for each in network.parameters())


def test_cnn_starts_as_the_identity(mask):
    x, fraction, label = inputs(mask)
    network = build_denoiser("cnn", mask, N_CLASSES, **CNN)
    assert torch.equal(network(x, fraction, label), x)


def test_time_embedding_tells_any_two_steps_apart():
    steps = torch.arange(1, 1001) / 1000
    distance = torch.cdist(sinusoids(steps, 64), sinusoids(steps, 64))
    assert distance.fill_diagonal_(1).min() > 0.5


def test_mixing_weight_is_the_share_of_the_cnn(mask):
    network = small("mlp_cnn", mask)
    x, fraction, label = inputs(mask)
    weight = network.mixing_weight(fraction)
    assert weight.shape == fraction.shape and ((weight > 0) & (weight < 1)).all()
    with torch.no_grad():
        network.mixing[2].bias.fill_(100)
        torch.testing.assert_close(network(x, fraction, label), network.cnn(x, fraction, label))
        network.mixing[2].bias.fill_(-100)
        torch.testing.assert_close(network(x, fraction, label), network.mlp(x, fraction, label))


@pytest.mark.parametrize(
    "kind, options, message",
    [
        ("unet", {}, f"'unet' is unknown; use one of {', '.join(denoiser_kinds())}"),
        ("mlp", {"widths": [64]}, "at least two, each a multiple of 32"),
        ("mlp", {"widths": [100, 50]}, "at least two, each a multiple of 32"),
        ("mlp", {"widths": [64, 0]}, "at least two, each a multiple of 32"),
        ("cnn", {"base_width": 48}, "base_width 48 of the cnn denoiser: give a multiple of 32"),
        ("cnn", {"multipliers": [1, 2]}, "attention_at 32 .* factors of its 2 levels are 1, 2;"),
        ("cnn", {"head_width": 96}, "head_width 96 .* the 128 channels .*; use 32"),
        ("mlp_cnn", {"mlp": {"widths": [64]}}, "mlp denoiser: give at least two"),
        ("latent_unet", {"base_width": 48}, "base_width 48 .* give a multiple of 32"),
        (
            "latent_unet",
            {"head_width": 24},
            "base_width 64 .* that heads of 24 channels divide evenly",
        ),
        ("transformer", {"heads": 5}, "heads 5 .* its width 384; use 4"),
    ],
)
def test_unusable_networks_are_refused(kind, options, message, mask):
    with pytest.raises(InputError, match=message):
        build_denoiser(kind, mask, 2, **options)


@each_denoiser
def test_a_whole_position_is_the_class_and_between_them_are_mixtures(kind, mask):
    """The network sees the embedding alone, so half way is the mean of two rows of the table."""
    network = small(kind, mask)
    x, fraction, label = inputs(mask)
    by_class = network(x, fraction, label)
    assert torch.equal(network(x, fraction, label.float()), by_class)
    between = network(x, fraction, torch.full((len(x),), 1.25))
    with torch.no_grad():
        for name, each in network.named_parameters():  # tables by label, and the MLP's weights
            if "label" in name or (name == "label_at_position" and each.dim() == 3):
                columns = each.T if "up." in name and name.endswith("label.weight") else each
                if len(columns) in (N_CLASSES, N_CLASSES + 1):  # without or with "no label"
                    columns[0] = 0.75 * columns[1] + 0.25 * columns[2]
        first = network(x, fraction, torch.zeros(len(x), dtype=torch.int64))
    torch.testing.assert_close(between, first, rtol=1e-4, atol=1e-4)
