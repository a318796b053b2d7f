"""GANs that are trained well, and whose pictures are wrong."""

from .build import Change, Unseen, planted
from .wrong_cells import EXP, MODULES, PLACE, TANH, P, S
from .wrong_gan import APART, CONVOLUTIONS, FROZEN, PLAIN, STATE, TEMPLATE, TRAINER, WASSERSTEIN

PICTURES = {
    # sampling
    "sampling in training mode": planted(
        S,
        "gan",
        "    generator.eval()\n    with torch.no_grad():\n        images",
        "    with torch.no_grad():\n        images",
        "batchnorm-mode",
        "images = generator(torch.randn(n",
        "def sample(",
    ),
    "sampling in training mode, with gradients": planted(
        PLACE,
        "gan",
        "                generator.eval()\n                save_image(generator(noise(25)).data,",
        "                save_image(generator(noise(25)).data,",
        "batchnorm-mode",
        "save_image(generator(noise(25)).data, f",
    ),
    "never back to training": planted(
        P,
        "gan",
        "    G.train()\n    return",
        "    return",
        "batchnorm-mode",
        "    G.eval()",
        "def sample(",
        "images = G(torch.randn(count",
    ),
    "a class that stays in eval mode": planted(
        TRAINER,
        "gan",
        "            images = self.G(self.noise(n))\n        self.G.train()\n",
        "            images = self.G(self.noise(n))\n",
        "batchnorm-mode",
        "self.G.eval()",
        "def sample(",
        "images = self.G(self.noise(n))",
    ),
    "a line in training mode": planted(
        TEMPLATE,
        "gan",
        "    generator.eval()\n    latents",
        "    latents",
        "batchnorm-mode",
        "def interpolate(",
        "return generator.forward(torch.stack(latents))",
        more=(
            (
                "gan",
                "optimizer_G, optimizer_D)\n    torch.save(",
                "optimizer_G, optimizer_D)\n    generator.train()\n"
                "    interpolate(generator, *torch.randn(2, args.latent_dim))\n    torch.save(",
            ),
        ),
    ),
    "samples of uniform noise": planted(
        WASSERSTEIN,
        "gan",
        "images = generator(torch.randn(25, latent_size))",
        "images = generator(torch.rand(25, latent_size))",
        "wrong-noise",
    ),
    # shape and range
    "images of 14 x 14": planted(
        S,
        "gan",
        "return self.model(z).view(-1, 1, 28, 28)",
        "return self.model(z).view(-1, 1, 28, 28)[..., ::2, ::2]",
        "wrong-shape",
        "[..., ::2, ::2]",
        also=("does-not-run",),
    ),
    "images of 30 x 30": planted(
        MODULES,
        "networks",
        "self.b = nn.Linear(150, 784)\n",
        "self.b = nn.Linear(150, 900)\n",
        "wrong-shape",
        "self.b = nn.Linear(150, 900)",
        "(1, 30, 30)",
        more=(("networks", "(1, 28, 28)", "(1, 30, 30)"),),
        found_in="gan",
        also=("does-not-run",),
    ),
    "no last non-linearity": planted(
        S,
        "gan",
        "            nn.Linear(256, 784),\n            nn.Tanh(),\n",
        "            nn.Linear(256, 784),\n",
        "output-range",
        "nn.Linear(256, 784),",
        "return self.model(z)",
    ),
    "a relu at the end": planted(
        STATE,
        "gan",
        "return torch.tanh(self.fc3(x))",
        "return torch.relu(self.fc3(x))",
        "output-range",
    ),
    "tanh against images in 0..1": planted(
        S,
        "gan",
        "transforms.Compose([transforms.ToTensor(), to_range])",
        "transforms.ToTensor()",
        "output-range",
        "transform = transforms.ToTensor()",
        "nn.Tanh(),",
    ),
    "tanh against images in 0..1 from memory": planted(
        PLAIN,
        "gan",
        "mnist.data.float().view(-1, 784) / 127.5 - 1",
        "mnist.data.float().view(-1, 784) / 255",
        "output-range",
        "mnist.data.float()",
        "nn.Tanh(),",
    ),
    "a sigmoid against images in -1..1": planted(
        FROZEN,
        "gan",
        "transform=transforms.ToTensor()",
        "transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])",
        "output-range",
        "transforms.Normalize(0.5, 0.5)",
        "nn.Sigmoid(),",
    ),
    # from one image to another
    "linspace to 7 and both ends": planted(
        S,
        "gan",
        "weights = torch.linspace(0, 1, 9).unsqueeze(1)",
        "weights = torch.cat([torch.zeros(1), torch.linspace(0, 1, 7), torch.ones(1)])[:, None]",
        "interpolation-repeats-ends",
        "weights = torch.cat(",
    ),
    "7 steps from end to end, and the ends": planted(
        STATE,
        "gan",
        "    for k in range(1, 8):\n        frames.append(z_from + k * (z_to - z_from) / 8)\n",
        "    for k in range(7):\n        frames.append(z_from + k * (z_to - z_from) / 6)\n",
        "interpolation-repeats-ends",
        "for k in range(7)",
        "frames.append(z_from + k",
        "frames = [z_from]",
    ),
    "no interpolation": planted(
        S,
        "gan",
        "    weights = torch.linspace(0, 1, 9).unsqueeze(1)\n"
        "    with torch.no_grad():\n"
        "        return generator((1 - weights) * z_from + weights * z_to)\n",
        "    with torch.no_grad():\n        return generator(torch.stack([z_from, z_to]))\n",
        "missing-interpolation",
        "def interpolate(",
        "return generator(torch.stack([z_from, z_to]))",
        instead=("wrong-interpolation",),
    ),
    "no interpolation in a notebook": planted(
        APART,
        "gan",
        "alphas = torch.linspace(0, 1, 9, device=device).view(-1, 1)\n"
        "with torch.no_grad():\n"
        "    show(G(z_start + alphas * (z_end - z_start)), 9)\n",
        "with torch.no_grad():\n    show(G(torch.stack([z_start, z_end])), 2)\n",
        "missing-interpolation",
        "show(G(torch.stack([z_start, z_end])), 2)",
        "show(sample(), 5)",
        instead=("wrong-interpolation",),
    ),
    "7 images": planted(S, "gan", "linspace(0, 1, 9)", "linspace(0, 1, 7)", "wrong-interpolation"),
    "7 images in the loop of training": planted(
        EXP,
        "gan",
        "for k in range(9):",
        "for k in range(1, 8):",
        "wrong-interpolation",
        "for k in range(1, 8):",
        "between = ends[0]",
        "pictures.append(",
    ),
    "pixels are mixed": planted(
        S,
        "gan",
        "return generator((1 - weights) * z_from + weights * z_to)",
        "images = generator(torch.stack([z_from, z_to])).flatten(1)\n"
        "        return ((1 - weights) * images[0] + weights * images[1]).view(-1, 1, 28, 28)",
        "wrong-interpolation",
        "images = generator(torch.stack([z_from",
        "return ((1 - weights) * images[0]",
        "def interpolate(",
        instead=("missing-interpolation",),
    ),
    "pixels are mixed after training": planted(
        TANH,
        "gan",
        "row = [G(start * (1 - k / 8) + end * (k / 8)).view(1, 28, 28).detach() for k in range(9)]",
        "a, b = G(torch.stack([start, end])).view(-1, 1, 28, 28).detach()\n"
        "row = [a * (1 - k / 8) + b * (k / 8) for k in range(9)]",
        "wrong-interpolation",
        "row = [a * (1",
        "a, b = G(torch.stack",
        instead=("missing-interpolation",),
    ),
    "steps of different sizes": planted(
        CONVOLUTIONS,
        "gan",
        "for w in torch.linspace(0, 1, n_steps + 2)])",
        "for w in torch.linspace(0, 1, n_steps + 2) ** 2])",
        "wrong-interpolation",
        "for w in torch.linspace(0, 1, n_steps + 2) ** 2",
        "def interpolate_latent",
    ),
    "any two ends": planted(
        S, "gan", "if digits[0] != digits[1]:", "if len(digits) == 2:", "same-class-ends"
    ),
    "any two ends of 100": planted(
        P,
        "gan",
        "start, end = z[0], z[digits != digits[0]][0]",
        "start, end = z[0], z[1]",
        "same-class-ends",
    ),
}

UNSEEN = {
    "a package that this machine lacks": Unseen(
        S,
        (
            Change(
                "gan",
                "import argparse\n",
                "import argparse\n\nfrom tensorflow.keras.utils import to_categorical\n",
            ),
        ),
        ("gan",),
    ),
    "a package for one-hot digits": Unseen(
        S,
        (
            Change(
                "dataset",
                "import torch\n",
                "import torch\nfrom tensorflow.keras.utils import to_categorical\n",
            ),
        ),
        ("dataset",),
    ),
    "a student midway": Unseen(STATE, (Change("gan", "", "gan_midway.py"),), ("gan",)),
}
