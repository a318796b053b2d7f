"""A small GAN in parts that can be exchanged for what other students write, right or wrong."""

# ruff: noqa: E501 - the pieces are code that is read as a whole

HEAD = """
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import datasets, transforms

Z = 20
"""
NETWORKS = """
class Artist(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(Z, 32)
        self.norm = nn.BatchNorm1d(32)
        self.last = nn.Linear(32, 784)

    def forward(self, z):
        return torch.tanh(self.last(F.leaky_relu(self.norm(self.first(z)), 0.2)))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(784, 32)
        self.last = nn.Linear(32, 1)

    def forward(self, x):
        return self.last(F.leaky_relu(self.first(x.flatten(1)), 0.2))
"""
SETUP = """
A, C = Artist(), Critic()
scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
mnist = datasets.MNIST("data", transform=scale, download=True)
loader = torch.utils.data.DataLoader(mnist, batch_size=32, shuffle=True)
opt_a = torch.optim.Adam(A.parameters(), 2e-4)
opt_c = torch.optim.Adam(C.parameters(), 2e-4)
bce = F.binary_cross_entropy_with_logits
"""
LOOP = """
for epoch in range(3):
    A.train()
    for real, _ in loader:
        z = torch.randn(len(real), Z)
        fake = A(z)
        yes, no = C(real), C(fake.detach())
        loss_c = bce(yes, torch.ones_like(yes)) + bce(no, torch.zeros_like(no))
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
        again = C(fake)
        loss_a = bce(again, torch.ones_like(again))
        opt_a.zero_grad()
        loss_a.backward()
        opt_a.step()
"""
PICTURES = """
def choose(A, classifier):
    z = torch.randn(60, Z)
    digits = classifier(A(z)).argmax(1)
    return z[0], z[digits != digits[0]][0]


A.eval()
with torch.no_grad():
    samples = A(torch.randn(25, Z))
    z0, z1 = choose(A, lambda images: images.flatten(1)[:, 300:310])
    w = torch.linspace(0, 1, 9)[:, None]
    images = A((1 - w) * z0 + w * z1)
"""
PARTS = (HEAD, NETWORKS, SETUP, LOOP, PICTURES)


def gan(*changes: tuple[str, str], seed: int = 0) -> str:
    """The small GAN, with some pieces exchanged.

    Args:
        changes: pairs of what is replaced, everywhere, and what takes its place.
        seed: of its random numbers.
    """
    text = "".join(PARTS).replace("\nZ = 20\n", f"\nZ = 20\ntorch.manual_seed({seed})\n")
    for old, new in changes:
        assert old in text, f"{old!r} is not in the GAN"
        text = text.replace(old, new)
    return text


YES, NO = "bce(yes, torch.ones_like(yes))", "bce(no, torch.zeros_like(no))"
AGAIN = "bce(again, torch.ones_like(again))"
TWICE = "return self.last(F.leaky_relu(self.first(x.flatten(1)), 0.2))"
STEP_C = "        opt_c.zero_grad()\n        loss_c.backward()\n        opt_c.step()\n"
LINE = "    images = A((1 - w) * z0 + w * z1)\n"

STEP_BY_GRAD = """
        weights = list(C.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss_c, weights)):
            weight.grad = gradient
        opt_c.step()
"""

# An object that only a function knows chooses the ends.
OF_AN_OBJECT = """
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(784, 10)

    def forward(self, x):
        return self.last(x.flatten(1))


class Ends:
    def __init__(self, settings):
        self.size = settings["size"]
        self.reader = Reader()
        optimiser = torch.optim.Adam(self.reader.parameters())
        for real, digits in loader:
            optimiser.zero_grad()
            F.cross_entropy(self.reader(real), digits).backward()
            optimiser.step()

    def choose(self):
        z = torch.randn(self.size, Z)
        digits = self.reader(A(z)).argmax(1)
        return z[0], z[digits != digits[0]][0]


def main():
    ends = Ends({"size": 60})
    A.eval()
    with torch.no_grad():
        samples = A(torch.randn(25, Z))
        z0, z1 = ends.choose()
        w = torch.linspace(0, 1, 9)[:, None]
        images = A((1 - w) * z0 + w * z1)


main()
"""
STEP_OF_READER = "            optimiser.step()\n"

RIGHT: dict[str, tuple[tuple[str, str], ...]] = {
    "as it is": (),
    "ends that an object chooses": ((PICTURES, OF_AN_OBJECT),),
    "gradients by torch.autograd.grad": ((STEP_C, STEP_BY_GRAD),),
    "real is 0 and drawn is 1": (
        (YES, "bce(yes, torch.zeros_like(yes))"),
        (NO, "bce(no, torch.ones_like(no))"),
        (AGAIN, "bce(again, torch.zeros_like(again))"),
    ),
    "smooth labels, and flipped now and then": (
        (YES, "bce(yes, torch.full_like(yes, 0.9 if torch.rand(()) < 0.9 else 0.0))"),
        (NO, "bce(no, torch.full_like(no, 0.1))"),
        (AGAIN, "bce(again, torch.full_like(again, 0.9))"),
    ),
    "Wasserstein, with clipped weights": (
        (YES, "-yes.mean()"),
        (NO, "no.mean()"),
        (AGAIN, "-again.mean()"),
        (
            "        opt_c.step()\n",
            "        opt_c.step()\n        for p in C.parameters():\n"
            "            p.data.clamp_(-0.05, 0.05)\n",
        ),
    ),
    "hinge": ((YES, "F.relu(1 - yes).mean()"), (NO, "F.relu(1 + no).mean()"),
              (AGAIN, "-again.mean()")),
    "least squares": (
        (YES, "F.mse_loss(yes, torch.ones_like(yes))"),
        (NO, "F.mse_loss(no, torch.zeros_like(no))"),
        (AGAIN, "F.mse_loss(again, torch.ones_like(again))"),
    ),
    "the saturating loss": ((AGAIN, "-bce(again, torch.zeros_like(again))"),),
    "maximize": (
        ("loss_c = bce(yes, torch.ones_like(yes)) + bce", "loss_c = -bce(yes, torch.ones_like(yes)) - bce"),
        ("C.parameters(), 2e-4", "C.parameters(), 2e-4, maximize=True"),
    ),
    "one batch of both": (
        (
            "yes, no = C(real), C(fake.detach())",
            "yes, no = C(torch.cat([real.flatten(1), fake.detach()])).chunk(2)",
        ),
    ),
    "calls of forward": (("A(z)", "A.forward(z)"), ("C(real)", "C.forward(real)")),
    "probabilities and logarithms": (
        (TWICE, TWICE.replace("return self", "return torch.sigmoid(self") + ")"),
        (YES, "-torch.log(yes).mean()"),
        (NO, "-torch.log(1 - no).mean()"),
        (AGAIN, "-torch.log(again).mean()"),
    ),
    "no batch norm, and never eval": (
        ("self.norm(self.first(z))", "self.first(z)"),
        ("        self.norm = nn.BatchNorm1d(32)\n", ""),
        ("A.eval()\n", ""),
    ),
    "labels beside the noise": (
        ("nn.Linear(Z, 32)", "nn.Linear(Z + 10, 32)"),
        ("A(z)", "A(torch.cat([z, F.one_hot(_ if len(z) == len(real) else _[:1], 10)], 1))"),
        ("A(torch.randn(25, Z))", "A(torch.cat([torch.randn(25, Z), torch.eye(10)[[3] * 25]], 1))"),
        ("A((1 - w) * z0 + w * z1)",
         "A(torch.cat([(1 - w) * z0 + w * z1, torch.eye(10)[[3] * 9]], 1))"),
    ),
    "an arc, image by image": (
        (
            LINE,
            "    o = torch.acos(F.cosine_similarity(z0, z1, dim=0))\n"
            "    images = [A(((torch.sin((1 - k) * o) * z0 + torch.sin(k * o) * z1)"
            " / torch.sin(o))[None]) for k in w[:, 0]]\n",
        ),
    ),
    "classes as well, a loss each": (
        (TWICE, "x = F.leaky_relu(self.first(x.flatten(1)), 0.2)\n        return self.last(x), self.kind(x)"),
        ("        self.last = nn.Linear(32, 1)\n",
         "        self.last = nn.Linear(32, 1)\n        self.kind = nn.Linear(32, 10)\n"),
        ("C(real), C(fake.detach())", "C(real)[0], C(fake.detach())[0]"),
        ("C(fake)\n", "C(fake)[0]\n"),
        ("loss_c = ", "loss_c = F.cross_entropy(C(real)[1], _) + "),
    ),
    "a large batch of both": (
        ("batch_size=32", "batch_size=100"),
        (
            "yes, no = C(real), C(fake.detach())",
            "yes, no = C(torch.cat([real.flatten(1), A(z).detach()])).chunk(2)",
        ),
    ),
    "a plot by pandas, a network that is loaded whole": (
        ("import torch\n", "import pandas as pd\nimport torch\n"),
        ("A.eval()\n", 'A.eval()\ntorch.save(A, "a.pt")\nA = torch.load("a.pt")\n'
                       'pd.DataFrame([1.0, 2.0], columns=["loss"]).plot(grid=True)\n'),
    ),
    "noise on all that is judged": (
        ("C(real)", "C(real + 0.1 * torch.randn_like(real))"),
        ("C(fake.detach())", "C((fake.detach() + 0.1 * torch.randn_like(fake)).clamp(-1, 1))"),
        ("C(fake)\n", "C(fake + 0.1 * torch.randn_like(fake))\n"),
    ),
    "one image at a time": (
        ("Z = 20\n", "Z = 120\n"),
        ("self.norm(self.first(z))", "self.first(z)"),
        ("        self.norm = nn.BatchNorm1d(32)\n", ""),
        ("x.flatten(1)", "x"),
        ("z = torch.randn(len(real), Z)", "real, z = real[0].flatten(), torch.randn(Z)"),
    ),
    "seven between two that are drawn apart": (
        (LINE, "    A(z0[None]), A(z1[None]), A(((1 - w) * z0 + w * z1)[1:-1])\n"),
    ),
}  # fmt: skip

WRONG: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "a layer that no optimiser has": (
        "dead-parameter", (("Adam(C.parameters()", "Adam(C.last.parameters()"),)),
    "the discriminator never steps": ("does-not-learn", (("        opt_c.step()\n", ""),)),
    "neither cut off nor cleared": (
        "missing-detach",
        (
            ("C(fake.detach())", "C(fake)"),
            ("loss_c.backward()", "loss_c.backward(retain_graph=True)"),
            ("        opt_a.zero_grad()\n", ""),
            ("        opt_c.zero_grad()\n", "        opt_c.zero_grad(), opt_a.zero_grad()\n"),
        ),
    ),
    "torch.autograd.grad of the loss on drawn images alone": (
        "one-sided-loss", ((STEP_C, STEP_BY_GRAD.replace("loss_c", NO)),)),
    "a classifier of the ends without a step": (
        "does-not-learn", ((PICTURES, OF_AN_OBJECT.replace(STEP_OF_READER, "")),)),
    "the first two that an object draws": (
        "same-class-ends",
        ((PICTURES, OF_AN_OBJECT.replace("z[digits != digits[0]][0]", "z[1 + 0 * digits[0]]")),),
    ),
    "not cut off, but cleared": ("missing-detach", (("C(fake.detach())", "C(A(z))"),)),
    "images that are larger than the real ones": (
        "wrong-shape",
        (("nn.Linear(32, 784)", "nn.Linear(32, 1024)"), ("x.flatten(1)", "x.flatten(1)[:, :784]")),
    ),
    "uniform noise of variance 1": (
        "wrong-noise",
        (("z = torch.randn(len(real), Z)", "z = (torch.rand(len(real), Z) - 0.5) * 12**0.5"),),
    ),
    "standardised images against tanh": (
        "output-range", (("Normalize(0.5, 0.5)", "Normalize(0.1307, 0.3081)"),)),
    "bytes against tanh": ("output-range", (("scale = ", "scale = transforms.PILToTensor()\nunused = "),
                                            ("C(real)", "C(real.float())"))),
    "a softmax over one output": (
        "wrong-loss",
        (
            (TWICE, TWICE.replace("return self", "return self.prob(self") + ")"),
            ("        self.last = nn.Linear(32, 1)\n",
             "        self.last = nn.Linear(32, 1)\n        self.prob = nn.Softmax(dim=1)\n"),
            ("bce = F.binary_cross_entropy_with_logits", "bce = F.binary_cross_entropy"),
        ),
    ),
    "dropout in place of what an activation gave": (
        "does-not-run",
        ((TWICE, "return self.last(F.dropout(F.relu(self.first(x.flatten(1))), 0.3, True, True))"),),
    ),
    "another maker's GPU": ("fixed-device", (("A, C = Artist(), Critic()", 'A, C = Artist().to("mps"), Critic()'),)),
    "an end without a GPU": (
        "fixed-device",
        (("A, C = ", 'if not torch.cuda.is_available():\n    raise SystemExit("CUDA is not there")\nA, C = '),),
    ),
    "logits for a loss of probabilities": (
        "wrong-loss", (("bce = F.binary_cross_entropy_with_logits", "bce = F.binary_cross_entropy"),)),
    "each output against every target": (
        "wrong-loss", ((YES, "F.mse_loss(yes, torch.ones(len(yes)))"),)),
    "ends that are no samples": (
        "wrong-interpolation",
        ((LINE, "    A(torch.stack([z0, z1]))\n    images = A((1 - w) * z0 + w * z1)\n"),
         ("linspace(0, 1, 9)", "linspace(0.1, 0.9, 9)")),
    ),
    "an end far beyond the second sample": (
        "wrong-interpolation", (("linspace(0, 1, 9)", "linspace(0, 4, 9)"),)),
    "no interpolation": (
        "missing-interpolation", ((LINE, ""), ("classifier(A(z))", "z"))),
    "any two ends": ("same-class-ends", (("z[digits != digits[0]][0]", "z[1 + 0 * digits[0]]"),)),
}  # fmt: skip
