"""Use the exports with torch alone: python exports/load_exports.py

Nothing of the toolkit is imported; copy this file and the .pt files wherever you need them.
"""

import hashlib
import io
import json
from pathlib import Path

import torch

HERE = Path(__file__).parent


def load(name: str) -> torch.jit.ScriptModule:
    """Load <name>.pt if it is the file that manifest.json vouches for.

    TorchScript is executable code, and torch does not notice a damaged weight: hence the hash.
    """
    manifest = json.loads((HERE / "manifest.json").read_text())
    data = (HERE / f"{name}.pt").read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest[f"{name}.pt"]["sha256"]:
        raise SystemExit(f"{name}.pt is not the file that manifest.json describes.")
    return torch.jit.load(io.BytesIO(data)).eval()


@torch.no_grad()
def complete_a_palindrome() -> None:
    """The LSTM reads digits, int64 (batch, length), and gives logits of the next one."""
    lstm = load("lstm")
    digits = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 6, 2, 9, 5, 1, 4, 1]
    probabilities = torch.softmax(lstm(torch.tensor([digits])), dim=1)[0]
    print(
        f"{' '.join(map(str, digits))} -> {int(probabilities.argmax())}, "
        f"with probability {float(probabilities.max()):.3f}"
    )

    i, f, o, g, c, h = lstm.trace(torch.tensor([digits]))
    print(f"trace: every gate and state at every step, each of shape {tuple(h.shape)}")
    print(f"the forget gate lets {float(f.mean()):.0%} through on average")


@torch.no_grad()
def draw_a_digit(seed: int = 4) -> None:
    """The generator turns noise (batch, latent_dim) into images (batch, 1, 28, 28), 0 to 1."""
    generator, classifier, discriminator = map(load, ("generator", "classifier", "discriminator"))
    z = torch.randn(1, generator.latent_dim, generator=torch.Generator().manual_seed(seed))
    image = generator(z)
    for row in image[0, 0, 2:26:2]:
        print("".join(" .:-=+*#%@"[int(9 * pixel)] * 2 for pixel in row[2:26]))
    confidence, digit = torch.softmax(classifier(image), dim=1).max(dim=1)
    print(f"the classifier sees a {int(digit)}, {float(confidence):.1%} sure")
    print(f"the discriminator thinks it real with {float(discriminator(image).sigmoid()):.0%}")


if __name__ == "__main__":
    complete_a_palindrome()
    draw_a_digit()
