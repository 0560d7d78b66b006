"""Keeping what is predicted for a label at the label's mean while rows are drawn.

x_0 is the difference from the label's training mean, so at every noise level the predictions for
a label should have a mean of 0. Those of a network are a little off, most where noise is highest,
and rows start from there: what they are drawn to stays off by about as much as a sample of the
label's training rows is (docs/measurements.md).

Axes: N rows drawn together, C classes or anchors, G gene blocks, K channels, D = G K.
"""

import torch

from syncohort.generators.conditioning import labels_of, mix


class Centring:
    """Subtracts from predictions x_0 [N, G, K] what their label's are off by.

    The mean off 0 of the rows drawn for a label is part error of the network, part chance. As
    both are about the sampling error of their own number of rows, the part that is
    subtracted is rows drawn / (rows drawn + training rows): few rows keep their chance
    differences. That is a ridge regression on the label, whose penalty is the training rows; for
    values of a trait it is one on the shares of their anchors.

    labels: [N], see `conditioning`; label_rows: training rows of each class or anchor, C numbers.
    """

    def __init__(self, labels, label_rows: list[float]):
        labels = labels_of(labels)
        penalty = torch.tensor(label_rows, dtype=torch.float32, device=labels.device).diag()
        self._shares = mix(torch.eye(len(penalty), device=labels.device), labels)  # [N, C]
        drawn = self._shares.T @ self._shares
        self._weights = torch.linalg.solve(drawn + penalty, self._shares.T)  # [C, N]

    def __call__(self, x0):
        with torch.autocast(x0.device.type, enabled=False):
            off = self._weights @ x0.flatten(1)  # [C, D]
            return x0 - (self._shares @ off).view_as(x0)
