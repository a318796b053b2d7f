"""Code that is not finished, or runs on one machine only; and what this machine cannot run."""

from .build import Change, Unseen, planted
from .right_cases import APART, MODULES, PLACE, SCRIPTED, STATE, STEPS, TANH, C, P, S

RUNS = {
    "a typing error": planted(S, "lstm", "x_t = x[:, t]", "x_t = x[:, i]", "does-not-run"),
    "a bracket too few": planted(S, "lstm", "+ self.b_g)", "+ self.b_g", "does-not-import"),
    "a helper module that is not there": planted(MODULES, "lstm", "from cell import",
        "from cells import", "does-not-import"),
    "an empty template": planted(S, "lstm", "", "lstm_todo.py", "not-written", "pass",
        "def forward"),
    "cuda in forward": planted(S, "lstm", "self.hidden_dim, device=x.device)\n        c",
        "self.hidden_dim).cuda()\n        c", "fixed-device", "self.hidden_dim).cuda()"),
    "states that stay behind": planted(C, "lstm",
        "h = torch.zeros(self.num_hidden, x.size(0), device=self.device)",
        "h = torch.zeros(self.num_hidden, x.size(0))", "fixed-device",
        "h = torch.zeros(self.num_hidden, x.size(0))",
        "c = torch.zeros(self.num_hidden, x.size(0))", found_in="lstm and train", more=(("lstm",
        "c = torch.zeros(self.num_hidden, x.size(0), device=self.device)",
        "c = torch.zeros(self.num_hidden, x.size(0))"),)),
    "one state that stays behind": planted(APART, "lstm", "            h = torch.tanh(c) * o\n",
        "            h = torch.tanh(c) * o + torch.zeros(len(x), 1).to('cuda:0')\n", "fixed-device",
        "to('cuda:0')"),
    "functions, and nothing that calls them": planted(S, "train", 'if __name__ == "__main__":',
        "def run():", "not-watched", "def run():", "def train("),
    "an argument without a default": planted(S, "train", '"--length", type=int, default=5',
        '"--length", type=int, required=True', "not-watched", "required=True",
        "train(parser.parse_args())"),
    "a training still to do": planted(SCRIPTED, "train", "            out = model(inputs)\n"
        "            loss = criterion(out, labels)\n" "            optimizer.zero_grad()\n"
        "            loss.backward()\n"
        "            nn.utils.clip_grad_norm_(model.parameters(), max_norm=10)\n"
        "            optimizer.step()\n", "            pass  # one step\n", "not-written",
        "pass  # one step", "for inputs, labels in loader",
        more=(("train", "print(epoch, loss.item(), ", "print(epoch, "),)),
    "a typing error in a notebook": planted(APART, "train", "losses.append(loss.item())",
        "losses.append(los.item())", "does-not-run"),
    "a training module that was left at home": planted(STATE, "train", "from lstm import LSTM\n",
        "from lstm import LSTM\nfrom plot_utils import draw_curves\n", "does-not-import",
        "from plot_utils import draw_curves"),
    "model.cuda()": planted(P, "train", ".to(device)\nloader", ".cuda()\nloader", "fixed-device",
        ".cuda()"),
    "a log in a folder that is not there": planted(PLACE, "train", "    best = 0\n",
        '    best = 0\n    log = open("logs/loss.txt", "w")\n', "missing-folder",
        'log = open("logs/loss.txt", "w")'),
    "a path on one machine": planted(S, "gan", "import argparse\n",
        "import argparse\nimport my_helpers\n", "does-not-import", "import my_helpers"),
    "still to do": planted(S, "gan", "def sample(generator, n=25):\n",
        'def sample(generator, n=25):\n    raise NotImplementedError("25 samples")\n',
        "not-written", "raise NotImplementedError("),
    "an empty template of a GAN": planted(S, "gan", "", "gan_todo.py", "not-written", "pass",
        "def forward", also=("missing-interpolation",)),
    "networks on the GPU": planted(MODULES, "gan", "    G, D = Generator(), Discriminator()\n",
        "    G, D = Generator().cuda(), Discriminator().cuda()\n", "fixed-device",
        "G, D = Generator().cuda()"),
    "a folder that only this machine has": planted(S, "gan",
        '    os.makedirs("images", exist_ok=True)\n', "", "missing-folder",
        "save_image(sample(generator)", "def main(args)"),
    "a folder for the samples of a class": planted(STEPS, "gan", 'f"{epoch}.png"',
        'f"results/{epoch}.png"', "missing-folder"),
    "a helper that was left at home": planted(STEPS, "dataset", "import numpy as np\n",
        "import numpy as np\nfrom utils import to_one_hot\n", "does-not-import",
        "from utils import to_one_hot"),
    "items still to do": planted(TANH, "dataset", "        digits = [0] * self.T\n"
        "        for k in range((self.T + 1) // 2):\n"
        "            digits[k] = digits[self.T - 1 - k] = random.randint(0, 9)\n"
        "        return torch.tensor(digits[:-1]).float(), digits[-1]\n",
        "        # one palindrome\n        pass\n", "not-written", "pass", "def __getitem__"),
}  # fmt: skip

UNSEEN = {
    "a package that this machine lacks": Unseen(S, (Change("gan", "import argparse\n",
        "import argparse\n\nfrom tensorflow.keras.utils import to_categorical\n"),), ("gan",)),
    "a package for one-hot digits": Unseen(S, (Change("dataset", "import torch\n",
        "import torch\nfrom tensorflow.keras.utils import to_categorical\n"),), ("dataset",)),
    # wrong, by a deviation that nothing here explains, or where not all ran
    "o reads the new h only by half": Unseen(S,
        (Change("lstm", "h @ self.W_oh", "(h * h) @ self.W_oh"),), ("lstm",)),
    "no interpolation": Unseen(S, (Change("gan",
        "return generator((1 - weights) * z_from + weights * z_to)",
        "return generator(torch.stack([z_from, z_to]))"),), ("gan",)),
    "a student midway": Unseen(STATE, (Change("gan", "if __name__...", ""),), ("gan",)),
}  # fmt: skip
