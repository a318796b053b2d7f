"""Wrappers for the public LSTMs of wild_lstm.jsonl: each wraps a class that others wrote.

Many files contain only one step of an LSTM, or have no readout. The wrapper adds what is missing,
such as the loop over time and the readout. It is put after the author's code, so that a finding's
line is the line in the author's file. If the wrapper supplies something whose absence is a fault,
the fault's id is listed in `supplies`; a finding with this id is neither expected nor false.
"""

from typing import NamedTuple

NAME = "Wrapped"  # the name of the class that is judged


class Recipe(NamedTuple):
    """The code that builds the author's network, `self.theirs`, and calls it by one of `step`,
    `last` and `outputs`.

    The code in `build`, `patch`, `project` and `hidden` runs in `__init__`, and can use
    `input_dim`, `hidden_dim`, `output_dim` and `seq_length`. The code in `step`, `last` and
    `outputs` runs in `forward`. It can use `self.hidden_dim`, `x` (batch, time, features) and, in a
    step, `x_t`, `h` and `c`; in `last` and `outputs`, it can also use `zeros` (batch, hidden).
    """

    build: str
    step: str = ""  # a statement that computes the next h and c from x_t, h and c
    last: str = ""  # an expression for h of the last step
    outputs: str = ""  # an expression for p of the last step, for models with a readout
    patch: str = ""  # a statement after `build`, such as a readout of the right size
    project: str = ""  # the size to which x is projected, if the class has no input size
    hidden: str = "hidden_dim"  # the size of h
    modules: dict[str, str] = {}  # contents of missing imported files  # noqa: RUF012
    also: tuple[str, ...] = ()  # further files to fetch that the judged file does not import
    main: str = ""  # the file that the wrapper is added to, if not the entry's file
    cells: tuple[int, ...] = ()  # the notebook's cells that define the model
    until: int = 0  # the last line of the definitions; the script after it is left out
    supplies: tuple[str, ...] = ()  # ids of the faults that the wrapper mends


CELL = "h, c = self.theirs(x_t, (h, c))"
APART = "h, c = self.theirs(x_t, h, c)"
FIRST = "self.theirs(x)[0][:, -1]"
TIME_MAJOR = "self.theirs(x.transpose(0, 1))[0][-1]"
TIME_MAJOR_STATES = "self.theirs(x.transpose(0, 1), (zeros, zeros))[0][-1]"
FOUR = "self.theirs(x[..., 0].T)[:, None]"
DIGITS = "(x if x.dim() == 2 else x[..., 0] if x.size(2) == 1 else x.argmax(2)).long()"
HOMEWORK = Recipe("LSTM(input_dim, hidden_dim)", last="self.theirs(x)[0]")
TUPLE = Recipe("LSTMCell(input_dim, hidden_dim)", step=CELL)
PAIR = Recipe("LSTMCell(input_dim, hidden_dim)", step=APART)
LIGHTNING = {
    "lightning/__init__.py": "from torch.nn import Module as LightningModule\nTrainer = None\n",
    "lightning/pytorch/__init__.py": "",
    "lightning/pytorch/callbacks.py": "ModelCheckpoint = None\n",
    "lightning/pytorch/tuner/__init__.py": "",
    "lightning/pytorch/tuner/tuning.py": "Tuner = None\n",
}

TORCHTEXT = {
    "torchtext/__init__.py": "",
    "torchtext/data.py": "class Field:\n    def __init__(self, *args, **options): ...\n\n\n"
    "LabelField = Field\n\n\n"
    "class TabularDataset(Field):\n    examples = (Field(),)\n\n"
    "    def split(self, **options):\n        return self, self\n\n\n"
    "class BucketIterator:\n    @staticmethod\n    def splits(datasets, **options):\n"
    "        return datasets\n",
    "spacy.py": "def load(name): ...\n",
}

RECIPES = {
    "bhargav104/h-detach": Recipe(
        "LSTM(input_dim, hidden_dim)", "_, (h, c) = self.theirs(x_t, (h, c))"
    ),
    "LJHG/LSTM_pytorch": Recipe(
        "LSTMCell(input_dim, hidden_dim)", last="self.theirs(x, None)[0][:, -1]"
    ),
    "MarcusNerva/NLP": Recipe(
        "LSTMCell(hidden_dim, hidden_dim, 0.0)",
        "_, (h, c) = self.theirs(x_t, (h[None], c[None])); h, c = h[0], c[0]",
        project="hidden_dim",
    ),
    "SakodaShintaro/test-lstm": Recipe(
        "MyLSTM(input_dim, hidden_dim)",
        outputs="self.theirs(x)[:, -1]",
        patch="self.theirs.linear = torch.nn.Linear(hidden_dim, output_dim)",
    ),
    "diegoplanchenstainer/NLU_LM2Project": Recipe(
        "MyLSTM(hidden_dim)", last=TIME_MAJOR_STATES, project="hidden_dim"
    ),
    "duytk5/POS-Tagging-Pytorch": PAIR,
    "karoljarzabek0/learn_pytorch": Recipe(
        "LSTM_scratch()", last=FOUR, project="1", hidden="1", until=75
    ),
    "krstopro/thesis": Recipe("MyLSTM(input_dim, hidden_dim)", last=TIME_MAJOR_STATES),
    "n3o2k7i8ch5/amazon-reviews-classification": Recipe(
        "OptimizedLSTM(16, hidden_dim, output_dim, 10, None)", outputs=f"self.theirs({DIGITS})[0]"
    ),
    "fualsan/DeepTimeSeriesFromScratch": Recipe(
        "AutoregressiveRNN(input_dim, hidden_dim, output_dim, 1, 1)",
        outputs=FIRST,
        cells=(1, 14, 16, 36),
    ),
    "tumble-weed/LSTM-from-scratch": Recipe(
        "LSTM(input_dim, hidden_dim)", last=TIME_MAJOR_STATES, cells=(1, 2, 3)
    ),
    "ysj9909/DL_practice_from_scratch": Recipe(
        "LSTM_Torch(input_dim, hidden_dim, seq_length, output_dim)",
        outputs="self.theirs(x.unsqueeze(1))",
        cells=(2, 3, 4, 11),
    ),
    "rmaahin/LSTM-from-scratch": PAIR,
    "gursi26/lstm-from-scratch": Recipe(
        "MultiLayerLSTM(input_dim, hidden_dim, 1, 0.0)",
        outputs="self.theirs(x, (zeros[None], zeros[None]))[0][:, -1]",
        patch="self.theirs.linear = torch.nn.Linear(hidden_dim, output_dim)",
    ),
    "BlueQuantumx/ai_pi_2": Recipe("LSTM(hidden_dim, 1)", last=TIME_MAJOR, project="hidden_dim"),
    "1363033313/NLP": Recipe(
        "LSTMModel(10, hidden_dim, init_lstm_state)",
        outputs="self.theirs(x, (zeros, zeros))",
        patch="self.theirs.embedding = torch.nn.Linear(input_dim, 100, bias=False)\n"
        "        self.theirs.dense = torch.nn.Linear(hidden_dim, output_dim)",
        modules={
            "transformers.py": "get_scheduler = None\n",
            "word_embedding.py": "load_imdb = None\n",
            "torchtext/__init__.py": "",
            "torchtext/vocab.py": "class GloVe:\n    def __init__(self, **options): ...\n",
        },
        until=82,
    ),
    "lorenzinigiovanni/nlu-project": Recipe(
        "LSTM(input_dim, hidden_dim)", last="self.theirs(x.transpose(0, 1), None)[0][-1]"
    ),
    "rtorrisi/LSTM-Custom-InOut-Hidden-Size": Recipe(
        "CustomLSTM(input_dim, hidden_dim, hidden_dim)", last=FIRST
    ),
    "zacheen/Is_sigmoid_enough": Recipe("CustomLSTM(input_dim, hidden_dim)", last=FIRST),
    "dannyneil/pytorch_plstm": Recipe("CustomLSTM(input_dim, hidden_dim)", last=FIRST),
    "Aderson10086/power-LSTM": Recipe(
        "OptimizeLSTM(input_dim, hidden_dim).double()",
        last="self.theirs(x.double())[0][:, -1].float()",
        until=208,
    ),
    "Nico-Kraus/Time-Series-Forecast": Recipe(
        "OpenLSTM(input_dim, hidden_dim, 1, output_dim)", outputs="self.theirs(x)"
    ),
    "Hongqin-Li/poetry-generator": Recipe(
        "LSTMLayer(input_dim, hidden_dim)",
        last="self.theirs(x.transpose(0, 1), (zeros[None], zeros[None]))[0][-1]",
    ),
    "LittlePea13/SMNLSHyper": Recipe(
        "gatedLSTM(input_dim, hidden_dim)",
        last="self.theirs(x, x.new_zeros(*x.shape[:2], 2 * self.hidden_dim))[0][:, -1]",
    ),
    "Prachi-kushwaha/deeplearning-models-from-scratch": Recipe(
        "CustomLSTM(input_dim, hidden_dim)", last=FIRST, cells=(43, 44)
    ),
    "yizhiwang96/TextLogoLayout": Recipe("LayerNormLSTM(input_dim, hidden_dim)", last=TIME_MAJOR),
    "methi1999/rnn_kws": Recipe("LSTMFrame([LSTMCell(input_dim, hidden_dim)])", last=TIME_MAJOR),
    **dict.fromkeys(
        (
            "chpriyal/DL_HW4",
            "gonzaleznicolas/DL_A3",
            "xueqingli1/deep-learning",
            "winniethebear424/DL",
            "hula0401/assignment4",
            "mlee687/A4",
            "apl1266/Summmer_2024_HW4",
            "jblevins32/cs7643_a4",
        ),
        HOMEWORK,
    ),
    "emadRad/lstm-gru-pytorch": Recipe(
        "LSTMModel(input_dim, hidden_dim, 1, output_dim)",
        outputs="self.theirs(x)",
        cells=(4, 11, 12),
    ),
    "Cui-Peng-624/DeepLearning-Experiments": Recipe(
        "LSTMModel(10, hidden_dim, output_dim, initialize_LSTM_Wb, initialize_LSTM_HC, "
        "LSTM_calculate, 'cpu')",
        outputs="self.theirs(x, zeros, zeros)[0][-1]",
        patch="self.theirs.embedding = torch.nn.Linear(input_dim, 10, bias=False)",
        modules={"visualization.py": "TrainingVisualizer = None\n"},
        until=118,
    ),
    "Marsclaw/LSTM-from-scratch-and-training-": Recipe(
        "LSTMbyHand()", last=FOUR, project="1", hidden="1", cells=(1, 2, 3), modules=LIGHTNING
    ),
    "zaki982/Deep-Learning-using-PyTorch": Recipe(
        "LSTMbyHand()", last=FOUR, project="1", hidden="1", cells=(0, 1), modules=LIGHTNING
    ),
    "PARKYUNSU/paper_reviews_pytorch_Implementation": Recipe(
        "LSTMCell(input_dim, hidden_dim, dropout_prob=0.0)", CELL
    ),
    "nicomu99/nlp-tools": PAIR,
    "01AbhiSingh/From-scratch-in-PyTorch": Recipe("LSTM(input_dim, hidden_dim)", last=FIRST),
    "itamartrainin/LSTM": Recipe(
        "LSTM(input_dim, hidden_dim)", last=TIME_MAJOR, also=("LSTM.py",), main="LSTM.py"
    ),
    "zhangjoe99/basic-rnn": PAIR,
    "TecXCTO/nn": TUPLE,
    "banshee56/text-generation": PAIR,
    "rishabh279/Machine-Learning-from-Scratch": TUPLE,
    "BubbleJoe-BrownU/RecurrentNetHub": Recipe("LSTM(input_dim, hidden_dim)", last=FIRST),
    "shanmcm/Sentiment-Analysis": Recipe(
        "LSTMCell(input_dim, hidden_dim, hidden_dim)",
        CELL,
        modules={
            "params.py": "import torch\n\nBATCH_SIZE = 128\n"
            "DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'\n"
        },
    ),
    "pvsnp9/RIMD-Deep-Learning-Model-for-Clinical-Prediction": Recipe(
        "CustomLSTMCell(input_dim, hidden_dim)", CELL
    ),
    "WoutTeillers/Advances_machine_learning": Recipe(
        "LSTM(input_dim, hidden_dim, output_dim, 'xavier').double()",
        outputs="self.theirs(x.double())[0][-1].float()",
    ),
    "Skalolom/DeepLearning": TUPLE,
    "yikangshen/Ordered-Neurons": Recipe(
        "ONLSTMStack([input_dim, hidden_dim], 1)",
        last="self.theirs(x.transpose(0, 1), self.theirs.init_hidden(x.size(0)))[0][-1]",
    ),
    "AlessandroVaraldi/approx-activations-lstm": Recipe(
        "QuantLSTMClassifier(input_dim, hidden_dim, 1, 16)",
        outputs="self.theirs(x)",
        patch="self.theirs.fc_w = torch.nn.Parameter(torch.randn(output_dim, hidden_dim) / 8)\n"
        "        self.theirs.fc_b = torch.nn.Parameter(torch.zeros(output_dim))",
    ),
    "JiahengHu/simulator_full_legwheel": TUPLE,
    "JerryRC/GRAPH_ANOMALY": PAIR,
    "hrhrkeee/ml-coding-practice-pytorch": Recipe(
        "ScratchLSTM(input_dim, hidden_dim)", last="self.theirs(x)[:, -1]", cells=(0,)
    ),
    "DeShuiYu/deep_learning_from_dsy": Recipe(
        "LSTMReal(hidden_dim)", "h, c = self.theirs(x_t)", cells=(3, 5)
    ),
    "lycmoons/pytorch-learning": Recipe(
        "LSTMModel(input_dim, hidden_dim)",
        last="self.theirs.forward(x.transpose(0, 1))[0][-x.size(0):]",
        hidden="input_dim",
        cells=(4,),
    ),
    "jmoongyu24/Language-Model-Study": Recipe(
        "LSTM(input_dim, hidden_dim, 1)",
        outputs="self.theirs(x)",
        patch="self.theirs.fc = torch.nn.Linear(hidden_dim, output_dim)",
        cells=(0, 1, 2),
    ),
    "udeepam/rnn": Recipe(
        "LSTM(input_dim, hidden_dim)",
        last="self.theirs.forward(x, zeros, zeros)[0][:, -1]",
        cells=(2, 8),
    ),
    "FengyuZ1994/COS_485": Recipe(
        "LSTMCell(input_dim, hidden_dim, output_dim)",
        "_, h, c = self.theirs(x_t, h, c)",
        cells=(4, 47),
    ),
    "VLVrishank/seq-from-scratch": Recipe(
        "LSTM(input_dim, hidden_dim, output_dim)", outputs="self.theirs(x)"
    ),
    "bicycleman15/practice": Recipe(
        "LSTM(type('Config', (), dict(dim=hidden_dim, layers=1, vocab_size=output_dim)))",
        outputs=f"self.theirs({DIGITS})[:, -1]",
    ),
    "jhrudden/ML-Mono": Recipe(
        "LSTM(input_dim, hidden_dim, output_dim)",
        "h, c = self.theirs.step(x_t, h, c)",
        supplies=("not-written",),
    ),
    "dykyivladk1/lstm-cell-pytorch": Recipe(
        "LSTMCell(input_dim, hidden_dim)",
        "h, c = self.theirs.forward(x_t.T, h.T, c.T); h, c = h.T, c.T",
    ),
    "bombs-kim/handmade_lstm": Recipe(
        "LstmCell(input_dim, hidden_dim)",
        last="[self.theirs.reset_state(), *(self.theirs(x[:, t]) for t in range(x.size(1)))][-1]",
    ),
    "atippe/htw-aki-exercise-2": Recipe(
        "CustomLSTM(input_dim, hidden_dim)", last="self.theirs(x)[0]"
    ),
    "Shaddyyy/Modern-LSTM-from-scratch": Recipe(
        "LSTM_Net(input_dim, hidden_dim, 1)",
        outputs="torch.stack([self.theirs(sequence) for sequence in x])",
    ),
    "PapaYa9061/aml-project": Recipe(
        "LSTMCell(input_dim, hidden_dim, hidden_dim)", "_, (h, c) = self.theirs(x_t, (h, c))"
    ),
    "KhoanDoanVan/vietnamese-text-generation": Recipe(
        "LSTM(output_dim, 16, hidden_dim)", outputs=f"self.theirs({DIGITS})[0][:, -1]"
    ),
    "lepcodes/custom-lstm": Recipe(
        "LSTMCustomStateful(input_dim, hidden_dim, output_dim)",
        outputs="self.theirs(x)[0][:, -1]",
    ),
    "Akhil9325/Custom-LSTM_ML": Recipe(
        "CustomLSTMModel(seq_length, input_dim, hidden_dim, output_dim)",
        outputs="self.theirs(x)",
        until=118,
    ),
    "ozgurbeyza/custom-lstm-sequence-model": Recipe(
        "LSTMLayer(input_dim, hidden_dim)", last="self.theirs(x)[:, -1]", cells=(28, 29)
    ),
    "thomasdurkin/Custom-LSTM-Network": Recipe(
        "LSTMCell(input_dim, hidden_dim, False)",
        last="self.theirs(x)[:, -1]",
        modules=TORCHTEXT,
        cells=(2, 4, 5, 6, 7, 11, 13),
    ),
    "shiv08/Advanced-LSTM-Implementation-with-PyTorch": Recipe(
        "LSTMNetwork(input_dim, hidden_dim, 1, output_dim)", outputs="self.theirs(x)"
    ),
    "Nilthd/lstm-pytorch": Recipe(
        "LSTMSequence(input_dim, hidden_dim, output_dim)", outputs="self.theirs(x)"
    ),
    "abduallahmohamed/Nested-LSTM-NLSTM-Pytorch": Recipe("LSTMCell(input_dim, hidden_dim)", CELL),
    "gekas145/lstm": Recipe(
        "SimpleNet(input_dim, hidden_dim, output_dim, hidden_dim)",
        outputs="self.theirs(x)[:, -1]",
    ),
    "Lee4real/rnn-from-scratch": Recipe(
        "LSTM(output_dim, 16, hidden_dim, output_dim, dropout=0.0)",
        outputs=f"self.theirs({DIGITS})",
    ),
    "onucharles/lstm-gru-pytorch": Recipe("LSTM(input_dim, hidden_dim, 1, 'cpu')", last=FIRST),
    "ericlearning/skip-rnn": Recipe("LSTM(input_dim, hidden_dim, 1)", last=TIME_MAJOR),
    "girishdhegde/NLP": Recipe("LSTM(input_dim, hidden_dim, 1)", last=TIME_MAJOR),
    "hieubkvn123/GatedUnitsInRNN": Recipe(
        "CellLSTM(input_dim, output_dim, hidden_dim)",
        last="[self.theirs.reset_hidden_state(), "
        "*(self.theirs(x[:, t]) for t in range(x.size(1)))][-1][1]",
    ),
    "Goodideax/lstm-negtive": Recipe(
        "Model(output_dim, hidden_dim, 1, 0.0, 0.1, 'custom')",
        outputs=f"self.theirs({DIGITS}.T, self.theirs.state_init(x.size(0)))[0]"
        ".view(x.size(1), x.size(0), -1)[-1]",
    ),
    "paulmorio/simpleRNN": Recipe("NaiveCustomLSTM(input_dim, hidden_dim)", last=FIRST),
}


# A script that uses the wrapped class. If the class raises an error in the check, the error has to
# occur again in this script, which runs without the check's changes.
USE = f"""import torch
from {{stem}} import {NAME}

model = {NAME}(6, 10, 128, 10)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
x = torch.nn.functional.one_hot(torch.randint(10, (41, 6)), 10).float()
torch.nn.functional.cross_entropy(model(x), torch.randint(10, (41,))).backward()
optimizer.step()
"""


def wrapper(recipe: Recipe) -> str:
    """Return the code to add to the author's file: a class `Wrapped` that maps digits to p(T)."""
    build = [f"self.theirs = {recipe.build}", *filter(None, [recipe.patch])]
    if recipe.project:
        build.append(f"self.project = torch.nn.Linear(input_dim, {recipe.project}, bias=False)")
    if not recipe.outputs:
        build.append(f"self.readout = torch.nn.Linear({recipe.hidden}, output_dim)")
    run = ["x = self.project(x)"] if recipe.project else []
    if "zeros" in recipe.last + recipe.outputs:
        run.append("zeros = x.new_zeros(x.size(0), self.hidden_dim)")
    if recipe.step:
        run += [
            "h = c = x.new_zeros(x.size(0), self.hidden_dim)",
            "for t in range(x.size(1)):",
            "    x_t = x[:, t]",
            f"    {recipe.step}",
            "return self.readout(h)",
        ]
    else:
        run.append(f"return {recipe.outputs or f'self.readout({recipe.last})'}")
    return "\n".join(
        [
            "\n\nimport torch\n\n",
            f"class {NAME}(torch.nn.Module):",
            "    def __init__(self, seq_length, input_dim, hidden_dim, output_dim):",
            "        super().__init__()",
            "        self.hidden_dim = hidden_dim",
            *(f"        {line}" for line in build),
            "",
            "    def forward(self, x):",
            *(f"        {line}" for line in run),
            "",
        ]
    )
