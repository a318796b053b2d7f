"""Exports models in each of the orders given, in a process that has scripted nothing before.

    python export_in_order.py lstm,rnn others,rnn,lstm

For each order it prints a line of JSON: the hash of each network's files and its entry.
"others" scripts modules of the kinds that the models consist of, and ours in other sizes.
"""

import hashlib
import json
import os
import sys
import warnings

import torch
from torch import nn

from toolkit.export import saving
from toolkit.export.formats import torchscript
from toolkit.gan.model import Classifier, ConvDiscriminator, ConvGenerator
from toolkit.lstm.fast import FastLSTM
from toolkit.lstm.model import LSTM, RNN

OTHERS = nn.ModuleList(
    [
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)),
        nn.Sequential(nn.Flatten(), nn.LeakyReLU(0.3), nn.Linear(2, 3), nn.MaxPool1d(3)),
        nn.Sequential(nn.Unflatten(1, (1, 1)), nn.PixelShuffle(1)),
        LSTM(5),
        LSTM(5, one_hot=False),
        RNN(5),
        ConvGenerator(3, 4),
        ConvDiscriminator(4, 5),
    ]
)

warnings.filterwarnings("ignore", message="`torch.jit")
torch.manual_seed(0)
models: dict[str, nn.Module] = {
    "lstm": FastLSTM(16),
    "rnn": RNN(24),
    "lstm_plain": FastLSTM(12),
    "rnn_plain": RNN(20),
    "generator": ConvGenerator(8, 16),
    "discriminator": ConvDiscriminator(8, 16),
    "classifier": Classifier(),
}

for order in sys.argv[1:]:
    if (child := os.fork()) == 0:
        hashes = {}
        for name in order.split(","):
            if name == "others":
                for other in OTHERS:
                    torch.jit.script(other)
                continue
            model = saving.for_export(models[name])
            _, data, entry = saving.make(name, model, {})
            data += torchscript.to_bytes(name, model)
            hashes[name] = hashlib.sha256(data + json.dumps(entry).encode()).hexdigest()
        print(json.dumps(hashes), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"{order} failed")
