"""A small regression that the training loop is tried on."""

import torch
from torch import nn

N_ROWS = 50


SETTING = {"epochs": 4, "batch_size": 16, "learning_rate": 0.01, "seed": 3, "warmup_steps": 2}


def make_data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_ROWS, 6, generator=generator)
    return x, x @ torch.randn(6, 2, generator=generator)


X, Y = make_data()


def make_model(dropout=0.0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(6, 16), nn.SiLU(), nn.Dropout(dropout), nn.Linear(16, 2))


def loss_fn(model, rows, generator):
    """Squared error with noise on the input, so that the generator matters."""
    noise = 0.1 * torch.randn(len(rows), 6, generator=generator)
    return (model(X[rows] + noise) - Y[rows]).square().mean()


def validate(model):
    return {"loss": (model(X) - Y).square().mean().item()}


def weights(model) -> torch.Tensor:
    return torch.cat([each.detach().ravel() for each in model.parameters()])
