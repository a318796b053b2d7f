"""Trains the GANs whose failures the pages show: python benchmarks/clinic_films.py [OUT]

The script trains a healthy GAN and the failing GANs of the clinic (toolkit/gan/failures.py) for 400
steps each. This takes some minutes on one thread. For each GAN, the script writes what the pages
show to playground/data/clinic.json: pictures, logits and losses at eight steps.
"""

import json
import sys
from pathlib import Path

import torch

from toolkit.common.files import atomic_write
from toolkit.gan import failures
from toolkit.gan.data import load_mnist
from toolkit.gan.film import Film
from toolkit.gan.film_page import for_pages

OUT = Path(__file__).parents[1] / "playground" / "data" / "clinic.json"
CASES = {
    "healthy": failures.HEALTHY,
    "collapse": failures.COLLAPSED,
    "saturation": failures.SATURATED,
    "overpowered": failures.OVERPOWERED,
}
# After step 200, the discriminator of `collapse` learns only in every 100th step.
STEPS = [0, 25, 50, 100, 200, 250, 300, 400]
NUM_ASKED = 100  # logits of real images, and as many of drawn ones; enough for a histogram


def main(out: Path) -> None:
    torch.set_num_threads(1)
    mnist = load_mnist()
    films = {}
    for name, case in CASES.items():
        film = Film(case.config, mnist.test_images, STEPS)
        film.discriminator_steps = []
        networks, _ = failures.train(name, case, mnist, torch.device("cpu"), film)
        arrays = film.arrays()
        for kind in ("real_logits", "drawn_logits"):
            arrays[kind] = arrays[kind][:, :NUM_ASKED]
        films[name] = for_pages(arrays, networks.average, real=None)
    out.parent.mkdir(exist_ok=True)
    atomic_write(out, (json.dumps(films) + "\n").encode())
    print(f"{out}: {out.stat().st_size / 1000:,.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
