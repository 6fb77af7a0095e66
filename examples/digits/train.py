"""Train the bundled digits network and write its archive and its held-out data.

Needs torch and scikit-learn, whose copy of the UCI handwritten digits (1,797 images of 8 x 8) it
uses. Run from anywhere: `python examples/digits/train.py`. The two results live in the package, the
only copy of them, so that an installed Treadle can run them: `src/treadle/data/`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional

from network import DigitsNet

SEED = 7
EPOCHS = 60
BATCH = 64
HELD_OUT = 400
DATA = Path(__file__).resolve().parents[2] / "src" / "treadle" / "data"


def load_split() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give training images, training labels, held-out images, held-out labels."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(
        images, labels, test_size=HELD_OUT, random_state=SEED, stratify=labels
    )
    return (
        torch.from_numpy(x_train),
        torch.from_numpy(y_train),
        torch.from_numpy(x_test),
        torch.from_numpy(y_test),
    )


def shifted(images: Tensor) -> Tensor:
    """Move the whole batch by up to one pixel each way."""
    dy, dx = (int(step) for step in torch.randint(-1, 2, (2,)))
    padded = functional.pad(images, (1, 1, 1, 1))
    return padded[:, :, 1 + dy : 9 + dy, 1 + dx : 9 + dx]


def train(images: Tensor, labels: Tensor) -> DigitsNet:
    """Fit the network; the same result at every run on one version of torch."""
    torch.manual_seed(SEED)
    model = DigitsNet()
    steps = EPOCHS * -(-len(images) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for epoch in range(EPOCHS):
        total = 0.0
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            scores = model(shifted(images[chosen]))
            loss = nn.functional.cross_entropy(scores, labels[chosen], label_smoothing=0.05)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}  loss {total / len(images):.4f}")
    return model.eval()


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Fraction of `images` whose highest score is at the label."""
    with torch.no_grad():
        correct: Tensor = model(images).argmax(1) == labels
    return float(correct.float().mean())


def save(model: nn.Module, path: Path) -> None:
    """Write the archive without its debug records, which hold paths of this machine."""
    whole = path.with_suffix(".whole.pt")
    torch.jit.save(torch.jit.script(model), str(whole))
    reader = torch._C.PyTorchFileReader(str(whole))
    writer = torch._C.PyTorchFileWriter(str(path))
    writer.set_min_version(int(reader.get_record("version")))
    written_at_end = ("version", ".data/serialization_id")
    for name in reader.get_all_records():
        if not name.endswith(".debug_pkl") and name not in written_at_end:
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    whole.unlink()


def main() -> None:
    """Train, check the held-out accuracy, write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=DATA, help="folder to write to")
    output: Path = parser.parse_args().output
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    x_train, y_train, x_test, y_test = load_split()
    model = train(x_train, y_train)
    reached = accuracy(model, x_test, y_test)
    print(f"held-out accuracy {reached:.2%} of {len(x_test)} images")
    if reached < 0.98:
        raise SystemExit("below 98 %: nothing written")
    output.mkdir(parents=True, exist_ok=True)
    save(model, output / "digits.pt")
    np.savez_compressed(output / "heldout.npz", images=x_test.numpy(), labels=y_test.numpy())


if __name__ == "__main__":
    main()
