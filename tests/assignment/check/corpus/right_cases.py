"""Right submissions: which files of `right/` stand together."""

from .build import Right

NO_LENGTH = (
    "train",
    "LSTM(config.length, 10, config.hidden, 10)",
    "LSTM(10, config.hidden, 10)",
)

RIGHT = {
    "separate gates": Right("digits", "separate", "split", "mlp_tanh"),
    "packed gates": Right("stream", "packed", "stream", "mlp_sigmoid"),
    "time-major": Right("pool", "time_major", "pool", "conv"),
    "bare digit": Right("digits", "digit", "digit", "mlp_sigmoid"),
    "columns, device, batch_size": Right("stream", "columns", "stream", "conv"),
    "nn.Linear, no seq_length": Right("digits", "linear", "split", "conv", (NO_LENGTH,)),
    "one-hot by hand, softmax and its log": Right("digits", "separate", "split", "mlp_sigmoid",
        (("lstm", "return p", "return torch.softmax(p, dim=1)"), ("train", "nn.CrossEntropyLoss()",
        "lambda p, y: nn.NLLLoss()(torch.log(p), y)")), probabilities=True),
    "discriminator first, two backwards": Right("pool", "linear", "pool", "mlp_tanh",
        (("train", "x = x.transpose(0, 1)", "pass"), ("train", "model(x)[-1]", "model(x)"))),
    "einsum, and networks without classes": Right("digits", "einsum", "split", "sequential",
        (NO_LENGTH,)),
    "sizes from the input": Right("stream", "packed", "stream", "mlp_tanh",
        (("lstm", "batch = x.shape[0]", "batch, steps, _ = x.size()"),)),
    # in other styles
    "a sigmoid from tanh, forward called by name": Right("flat", "tanh_sigmoid", "forward",
        "least_squares"),
    "nothing but exp; globals of the main part": Right("hash", "exp", "global_args", "globals",
        probabilities=True),
    "integers for an embedding": Right("integers", "embedding", "integers", "flipped"),
    "cross-entropy of log-probabilities": Right("integers", "embedding", "integers", "frozen",
        (("train", "criterion = nn.NLLLoss()", "criterion = nn.CrossEntropyLoss()"),)),
    "the first step apart; notebooks": Right("every", "first_step", "cells", "cells",
        paths=(("train", "train.ipynb"), ("gan", "my_gan.ipynb"))),
    "in place": Right("strings", "inplace", "every_step", "import_args",
        (("train", "model(x)[:, -1, :]", "model(x)"), ("train", "model(x)[:, -1]", "model(x)"))),
    "every step; a class that trains": Right("strings", "lists", "every_step", "trainer"),
    "helper modules": Right("pool", "two_files", "pool", "two_files",
        (("train", "x = x.transpose(0, 1)", "pass"), ("train", "model(x)[-1]", "model(x)")),
        helpers=("cell", "networks", "interpolate")),
    "on its side; digits of 64 x 64": Right("digits", "addmm", "split", "resize"),
    "two biases in a scripted step; labels as an input": Right("digits", "two_biases", "split",
        "conditional"),
    "states that are buffers; the template": Right("digits", "buffers", "split", "template"),
    "a state as an argument; step functions": Right("stream_seed", "state", "state", "steps"),
    "sizes in an object; Wasserstein": Right("stream_seed", "config", "trainer", "wasserstein"),
    "gates that are objects": Right("every", "steps_first", "until", "globals"),
    "matrices side by side": Right("stream", "stacked", "stream", "mlp_tanh"),
    "a progress bar, a log and a theme": Right("stream_seed", "state", "state", "mlp_tanh",
        (("train", "from torch.utils.data import DataLoader\n",
        "from torch.utils.data import DataLoader\n"
        "from torch.utils.tensorboard import SummaryWriter\n" "from tqdm import tqdm\n"
        "import seaborn as sns\n\nsns.set_theme()\n"), ("train", "enumerate(loader)",
        "enumerate(tqdm(loader))"), ("train", "    seen = right = 0\n",
        "    seen = right = 0\n    writer = SummaryWriter()\n"), ("train",
        "        seen += len(labels)\n",
        '        seen += len(labels)\n        writer.add_scalar("loss", loss, step)\n'))),
    "the interpolation under another name": Right("digits", "separate", "split", "mlp_tanh",
        (("gan", "def interpolate(", "def nine_images("),)),
    # in the course's folders
    "Part 1 and Part 2": Right("digits", "two_files", "split", "two_files", (NO_LENGTH,),
        helpers=("cell", "networks", "interpolate"), paths=(("dataset",
        "Part 1/dataset.py"), ("lstm", "Part 1/lstm.py"), ("train", "Part 1/train.py"), ("cell",
        "Part 1/cell.py"), ("gan", "Part 2/my_gan.py"), ("networks",
        "Part 2/networks.py"), ("interpolate", "Part 2/interpolate.py"))),
    "a folder named after the student": Right("flat", "tanh_sigmoid", "forward", "template",
        paths=(("dataset", "12110000_assignment3/Part_1/dataset.py"), ("lstm",
        "12110000_assignment3/Part_1/lstm.py"), ("train",
        "12110000_assignment3/Part_1/train.py"), ("gan", "12110000_assignment3/Part_2/my_gan.py"))),
    "src, and two notebooks": Right("every", "first_step", "cells", "cells", paths=(("dataset",
        "src/part1/dataset.py"), ("lstm", "src/part1/lstm.py"), ("train",
        "src/part1/train.ipynb"), ("gan", "src/part2/GAN.ipynb"))),
}  # fmt: skip

# Those that faults are planted in.
S = "separate gates"
N = "nn.Linear, no seq_length"
P = "packed gates"
TANH = "a sigmoid from tanh, forward called by name"
EXP = "nothing but exp; globals of the main part"
APART = "the first step apart; notebooks"
PLACE = "in place"
STEPS = "every step; a class that trains"
MODULES = "helper modules"
SIDE = "on its side; digits of 64 x 64"
SCRIPTED = "two biases in a scripted step; labels as an input"
POOL = "time-major"
SEEDED = "sizes in an object; Wasserstein"
C = "columns, device, batch_size"
EMBEDDED = "integers for an embedding"
BUFFERS = "states that are buffers; the template"
SIDE_BY_SIDE = "matrices side by side"
OBJECTS = "gates that are objects"
STATE = "a state as an argument; step functions"
FROZEN = "cross-entropy of log-probabilities"
PLAIN = "einsum, and networks without classes"
