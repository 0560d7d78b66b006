"""The SNP autoencoder: a fitted representation of the SNPs of all chromosomes (docs/methods.md 2).

One-hot calls go through a 1-D convolutional variational autoencoder. Latents are posterior means;
decoding gives probabilities of the calls.

Axes: R rows (haplotypes or people), V variants of all chromosomes, C calls (2 alleles or 3
dosages), G positions of the latents, K channels; within the network L, V padded.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open

from syncohort.errors import InputError
from syncohort.files import pack_texts, require_same, unpack_texts
from syncohort.genotypes import PLOIDY, Variants, rows_per_person, slices
from syncohort.representations.base import Representation, fingerprint_variants
from syncohort.representations.snp_vae_network import Layout, SnpAutoencoder, one_hot
from syncohort.training.tensor_file import write_tensors

_KIND = "syncohort snp_vae 3"
_ROWS_AT_ONCE = 128


def n_calls(mode: str) -> int:
    """C: 2 alleles in haplotype mode, 3 dosages in genotype mode."""
    return PLOIDY // rows_per_person(mode) + 1


@dataclass(frozen=True)
class SnpVAE(Representation):
    """A fitted autoencoder.

    variants: of each chromosome, in genomic order; mode: "haplotype" or "genotype"; mean [V]
    float32, of alleles or dosages over training rows; network: with its weights; training: how it
    was fitted, plain values; training_fingerprint: SHA-256 of the training people's ids and
    genotypes.
    """

    variants: list[Variants]
    mode: str
    mean: np.ndarray
    network: SnpAutoencoder
    training: dict
    training_fingerprint: str

    @property
    def contigs(self) -> list[str]:
        return [each.contig for each in self.variants]

    @property
    def mask(self) -> np.ndarray:
        """bool [G, K], all True."""
        layout = self.network.layout
        return np.ones((layout.n_positions, layout.latent_channels), dtype=bool)

    @cached_property
    def blocks(self) -> pd.DataFrame:
        """The chromosomes."""
        return pd.DataFrame(
            {
                "block": [f"chromosome {contig}" for contig in self.contigs],
                "gene": "",
                "n_variants": [len(each) for each in self.variants],
            }
        )

    def variants_of(self, contig: str) -> Variants:
        return self.variants[self._index(contig)]

    def _index(self, contig: str) -> int:
        if contig not in self.contigs:
            raise ValueError(f"chromosome {contig} of a SNP autoencoder of {self.contigs}")
        return self.contigs.index(contig)

    def _columns(self, contig: str, variants: slice) -> slice:
        """Where start..stop of a chromosome's variants are among the V of all."""
        first = sum(len(each) for each in self.variants[: self._index(contig)])
        return slice(first + variants.start, first + variants.stop)

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """Latents float32 [R, G, K] of rows int8 [R, V]: the means of their posteriors."""
        latents = np.empty((len(rows), *self.mask.shape), np.float32)
        with torch.inference_mode():
            for part in slices(len(rows), _ROWS_AT_ONCE):
                calls = one_hot(torch.from_numpy(rows[part].astype(np.int64)), self.network.layout)
                mean, _ = self.network.encode(calls)  # [r, K, G]
                latents[part] = mean.transpose(1, 2).numpy()
        return latents

    def positions_of(self, contig: str, variants: slice) -> slice:
        """All positions: attention looks at every one."""
        return slice(0, self.network.layout.n_positions)

    def decode_variants(self, latents: np.ndarray, contig: str, variants: slice) -> np.ndarray:
        """Expected alleles or dosages float32 [R, v]; latents [R, G, K]."""
        return expected_values(self.probabilities(latents, contig, variants))

    def probabilities(self, latents: np.ndarray, contig: str, variants: slice) -> np.ndarray:
        """Probabilities of the calls, float32 [R, v, C]; latents [R, G, K]."""
        return self._probabilities(latents, self._columns(contig, variants))

    def _probabilities(self, latents: np.ndarray, columns: slice) -> np.ndarray:
        n_columns, calls = columns.stop - columns.start, self.network.layout.n_calls
        found = np.empty((len(latents), n_columns, calls), np.float32)
        with torch.inference_mode():
            for part in slices(len(latents), _ROWS_AT_ONCE):
                given = np.ascontiguousarray(latents[part].swapaxes(1, 2), dtype=np.float32)
                logits = self.network.decode(torch.from_numpy(given))  # [r, C, L]
                # of all, then cut: vector instructions round by place
                found[part] = F.softmax(logits, dim=1)[:, :, columns].transpose(1, 2).numpy()
        return found

    def reconstruct(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = self._probabilities(self.encode(rows), slice(0, self.n_variants))
        return found.argmax(axis=2).astype(np.int8), expected_values(found)

    def save(self, path: str | Path) -> None:
        """Write the model to one safetensors file; equal models give equal bytes."""
        config = {
            "kind": _KIND,
            "mode": self.mode,
            "contigs": {each.contig: len(each) for each in self.variants},
            "variants_fingerprints": [fingerprint_variants(each) for each in self.variants],
            "layout": asdict(self.network.layout),
            "training": self.training,
            "training_fingerprint": self.training_fingerprint,
        }
        weights = self.network.state_dict()
        tensors = {f"network.{name}": each for name, each in weights.items()} | {
            "mean": torch.from_numpy(self.mean),
            "position_bp": torch.from_numpy(np.concatenate([v.position_bp for v in self.variants])),
            "id": _packed([each.id for each in self.variants]),
            "allele": _packed([each.allele for each in self.variants]),
        }
        write_tensors(path, json.dumps(config), tensors)

    @staticmethod
    def load(path: str | Path) -> "SnpVAE":
        """Read what `save` wrote. Raises InputError when the file is not a whole, sound model."""
        try:
            with safe_open(path, framework="pt") as file:
                config = json.loads((file.metadata() or {}).get("config", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"{path}: not a readable fitted file ({error}); fit it again"
            ) from error
        require_same("the kinds of file", path, _KIND, config.get("kind", "a file without a kind"))
        variants = _unpacked(config["contigs"], tensors)
        found = [fingerprint_variants(each) for each in variants]
        require_same("the variants", path, config["variants_fingerprints"], found)
        network = SnpAutoencoder(Layout(**config["layout"]))
        weights = {name: each for name, each in tensors.items() if name.startswith("network.")}
        network.load_state_dict(
            {name.removeprefix("network."): each for name, each in weights.items()}
        )
        return SnpVAE(
            variants=variants,
            mode=config["mode"],
            mean=tensors["mean"].numpy(),
            network=network.eval(),
            training=config["training"],
            training_fingerprint=config["training_fingerprint"],
        )


def expected_values(probabilities: np.ndarray) -> np.ndarray:
    """Expected alleles or dosages float32 [R, V] of probabilities [R, V, C]."""
    return sum(call * probabilities[:, :, call] for call in range(1, probabilities.shape[2]))


def _packed(texts: list[np.ndarray]) -> torch.Tensor:
    """Texts of all chromosomes as bytes."""
    joined = b"".join(map(pack_texts, texts))
    return torch.from_numpy(np.frombuffer(joined, np.uint8).copy())


def _unpacked(contigs: dict[str, int], tensors: dict) -> list[Variants]:
    """The variants of each chromosome, of so many each."""
    position_bp = tensors["position_bp"].numpy()
    ids, allele = (unpack_texts(tensors[name].numpy()) for name in ("id", "allele"))
    allele, variants, first = allele.reshape(-1, 2), [], 0
    for contig, size in contigs.items():
        own = slice(first, first + size)
        variants.append(Variants(contig, position_bp[own], ids[own], allele[own]))
        first += size
    return variants
