"""A two-layer LSTM.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997), in torch.nn.LSTM's form (a
forget gate and two biases).
"""

from torch import Tensor, nn

FEATURES = 256
HIDDEN = 256


class TwoLayerLstm(nn.Module):
    """1.05 million parameters; the state starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, num_layers=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map [steps, batch, features] to outputs [steps, batch, hidden] and the last states."""
        output, (hidden, cell) = self.lstm(x)
        return output, hidden, cell
