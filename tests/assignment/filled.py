"""The skeleton, filled in: what stands in the place of each `raise NotImplementedError`."""

from pathlib import Path

from toolkit.assignment.parts import FILES

ROOT = Path(__file__).parents[2]
RIGHT = ROOT / "tests" / "assignment" / "check" / "corpus" / "right"
IMPORTS = {
    "train": "from dataset import PalindromeDataset\nfrom lstm import LSTM\n",
    "gan": "import torch.nn.functional as F\nfrom torchvision import datasets, transforms\n",
}
RNN = """class RNN(nn.Module):
    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.x = nn.Linear(input_dim, hidden_dim)
        self.h = nn.Linear(hidden_dim, hidden_dim)
        self.p = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        h = torch.zeros(len(x), self.h.out_features)
        for t in range(x.size(1)):
            h = torch.tanh(self.x(x[:, t]) + self.h(h))
        return self.p(h)


"""
BODIES = {  # the beginning of a message -> what is there instead
    "train_step:": """
    logits = model(inputs)
    loss = nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return loss.item(), (logits.argmax(1) == labels).float().mean().item()
""",
    "evaluate:": """
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return right / len(loader.dataset)
""",
    "train: data, model": """
    torch.manual_seed(config.seed)
    loader = DataLoader(PalindromeDataset(config.length, "train"), config.batch_size, shuffle=True)
    unseen = DataLoader(PalindromeDataset(config.length, "test", 200), config.batch_size)
    network = {"lstm": LSTM, "rnn": RNN}[config.network]
    model = network(config.length, config.input_dim, config.hidden_dim, 10)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=config.learning_rate)
    rows, step = [], 0
    while step < config.train_steps:
        for inputs, labels in loader:
            loss, _ = train_step(model, optimizer, inputs, labels, config.max_norm)
            step += 1
            if step % 10 == 0:
                rows.append((step, loss, evaluate(model, unseen)))
            if step == config.train_steps:
                break
    keep_record(rows, config)
    return evaluate(model, unseen)
""",
    "Generator.__init__": """
        sizes = [latent_dim, 128, 256, 512, 1024]
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh())
""",
    "Generator.forward": """
        return self.layers(z).reshape(-1, 1, 28, 28)
""",
    "Discriminator.__init__": """
        self.layers = nn.Sequential(
            nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2),
            nn.Linear(256, 1))
""",
    "Discriminator.forward": """
        return self.layers(images.reshape(-1, 784))
""",
    "train_discriminator": """
    drawn = generator(torch.randn(len(real), generator.latent_dim)).detach()
    yes, no = discriminator(real), discriminator(drawn)
    loss = F.binary_cross_entropy_with_logits(yes, torch.ones_like(yes))
    loss = loss + F.binary_cross_entropy_with_logits(no, torch.zeros_like(no))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    "train_generator": """
    said = discriminator(generator(torch.randn(batch_size, generator.latent_dim)))
    loss = F.binary_cross_entropy_with_logits(said, torch.ones_like(said))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    "sample": """
    generator.eval()
    with torch.no_grad():
        images = generator(torch.randn(count, generator.latent_dim))
    generator.train()
    return images
""",
    "choose_ends": """
    generator.eval()
    while True:
        z = torch.randn(2, generator.latent_dim)
        a, b = classifier(generator(z)).argmax(1)
        if a != b:
            return z[0], z[1]
""",
    "interpolate": """
    generator.eval()
    weights = torch.linspace(0, 1, 9)[:, None]
    with torch.no_grad():
        return generator(z_from + weights * (z_to - z_from))
""",
    "load_data": """
    to_range = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    mnist = datasets.MNIST("data", train=True, download=True, transform=to_range)
    return DataLoader(mnist, batch_size, shuffle=True, drop_last=True)
""",
    "train: data, networks": """
    loader = load_data(config.batch_size)
    generator, discriminator = Generator(config.latent_dim), Discriminator()
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    adam_g, adam_d, adam_c = (
        torch.optim.Adam(network.parameters(), lr=config.learning_rate)
        for network in (generator, discriminator, classifier)
    )
    rows, step = [], 0
    keep_images(sample(generator), "samples-start", columns=5)
    for epoch in range(config.epochs):
        if epoch == config.epochs // 2:
            keep_images(sample(generator), "samples-halfway", columns=5)
        for real, digits in loader:
            loss_c = F.cross_entropy(classifier(real), digits)
            adam_c.zero_grad()
            loss_c.backward()
            adam_c.step()
            loss_d = train_discriminator(generator, discriminator, adam_d, real)
            loss_g = train_generator(generator, discriminator, adam_g, len(real))
            if step % 10 == 0:
                rows.append((step, loss_d, loss_g))
            step += 1
    keep_images(sample(generator), "samples-end", columns=5)
    keep_images(interpolate(generator, *choose_ends(generator, classifier)), "interpolation", 9)
    keep_record(rows, config)
    return generator
""",
}


def write_filled(folder: Path) -> None:
    """Put the skeleton's files into a folder, with all of them filled in."""
    for part, name in FILES.items():
        text = (ROOT / "assignments" / "skeleton" / name).read_text(encoding="utf-8")
        if part in ("dataset", "lstm"):
            stem = {"dataset": "dataset_hash", "lstm": "lstm_separate"}[part]
            text = (RIGHT / f"{stem}.py").read_text(encoding="utf-8")
        else:
            text = text.replace("import torch\n", IMPORTS[part] + "import torch\n", 1)
            if part == "train":
                text = text.replace("def train_step", RNN + "def train_step", 1)
            for message, body in BODIES.items():
                for indent in ("    ", " " * 8):
                    start = text.find(f'{indent}raise NotImplementedError("{message}')
                    if start >= 0 and text[start - 1] == "\n":
                        end = text.index("\n", start) + 1
                        text = text[:start] + body.lstrip("\n") + text[end:]
            assert "NotImplementedError" not in text
        (folder / name).write_text(text, encoding="utf-8")
