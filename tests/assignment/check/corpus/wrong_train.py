"""Training of the LSTM with one fault each."""

from .build import planted
from .right_cases import EMBEDDED, EXP, OBJECTS, POOL, SEEDED, STATE, STEPS, TANH, P, S

CLIP = "clip_grad_norm_("
LOOP = "for inputs, labels in loader"

TRAINING = {
    # the loss
    "softmax in the model": planted(S, "lstm", "return p", "return torch.softmax(p, dim=1)",
        "softmax-before-loss", equation=8, found_in="train"),
    "softmax in the training": planted(S, "train", "out = model(inputs)",
        "out = model(inputs).softmax(dim=1)", "softmax-before-loss", equation=8),
    "cross-entropy of a softmax from exp": planted(EXP, "train",
        "loss = -torch.log(p[torch.arange(len(y)), y] + 1e-12).mean()",
        "loss = torch.nn.functional.cross_entropy(p, y)", "softmax-before-loss",
        "loss = torch.nn.functional.cross_entropy(p, y)", "return softmax(", equation=8),
    "NLLLoss of logits": planted(OBJECTS, "lstm", "return log_softmax(self.p(h), dim=-1)",
        "return self.p(h)", "wrong-loss", "return self.p(h)", "NLLLoss()", "cost = nll(",
        equation=9, found_in="train"),
    "NLLLoss of probabilities": planted(EMBEDDED, "lstm", "F.log_softmax(self.h2p(h), dim=1)",
        "F.softmax(self.h2p(h), dim=1)", "wrong-loss", "F.softmax(self.h2p(h), dim=1)",
        "criterion = nn.NLLLoss()", "loss = criterion(", equation=9, found_in="train"),
    "squared errors": planted(S, "train", "criterion(out, labels)",
        "nn.MSELoss()(out.softmax(1), nn.functional.one_hot(labels, 10).float())", "wrong-loss",
        equation=9),
    "the loss over all steps": planted(POOL, "train",
        "logits = model(x)[-1]\n            loss = F.cross_entropy(logits, y)",
        "every = model(x)\n            logits = every[-1]\n            loss = F.cross_entropy("
        "every.flatten(0, 1), y.repeat(len(every)))", "loss-not-last-step",
        "loss = F.cross_entropy(every", equation=9),
    "the loss over the first step": planted(POOL, "train", "model(x)[-1]", "model(x)[0]",
        "loss-not-last-step", "model(x)[0]", "loss = F.cross_entropy(logits, y)", equation=9),
    "the loss over the mean of the steps": planted(STEPS, "train", "p = model(x)[:, -1, :]",
        "p = model(x).mean(dim=1)", "loss-not-last-step", equation=9),
    # the steps
    "Adam": planted(S, "train", "torch.optim.RMSprop", "torch.optim.Adam", "wrong-optimiser"),
    "SGD under another name": planted(P, "train", "torch.optim.RMSprop",
        "(lambda p, r: torch.optim.SGD(p, lr=r))", "wrong-optimiser"),
    "Adam in a class": planted(SEEDED, "train", "torch.optim.RMSprop(", "torch.optim.Adam(",
        "wrong-optimiser"),
    "no zero_grad": planted(S, "train", "            optimizer.zero_grad()\n", "",
        "gradients-not-cleared", "loss.backward()", "optimizer.step()", LOOP),
    "no zero_grad, and forward called by name": planted(TANH, "train",
        "        optimizer.zero_grad()\n", "", "gradients-not-cleared", "loss.backward()",
        "optimizer.step()", "for step in range("),
    "zero_grad once for each epoch": planted(STEPS, "train",
        "        for x, y in train_data:\n            optim.zero_grad()\n",
        "        optim.zero_grad()\n        for x, y in train_data:\n", "gradients-not-cleared",
        "optim.zero_grad()", "loss.backward()", "optim.step()", "for x, y in train_data:"),
    "zero_grad between backward and step": planted(S, "train",
        "            optimizer.zero_grad()\n            loss.backward()",
        "            loss.backward()\n            optimizer.zero_grad()", "does-not-learn",
        "optimizer.zero_grad()", "optimizer.step()", "loss.backward()"),
    "no step": planted(S, "train", "            optimizer.step()\n", "", "does-not-learn",
        "optimizer.zero_grad()", "loss.backward()", "clip_grad_norm_(", LOOP, "optimizer = torch"),
    "no backward": planted(OBJECTS, "train", "            cost.backward()\n", "", "does-not-learn",
        "cost = nll(", "optimiser.step()", "optimiser.zero_grad()",
        "for x, y in batches(train_part)"),
    "the parameters of another model": planted(SEEDED, "train",
        "torch.optim.RMSprop(self.model.parameters(),",
        "torch.optim.RMSprop(LSTM(config).parameters(),", "does-not-learn"),
    # clipping
    "clipping after the step": planted(S, "train",
        "            nn.utils.clip_grad_norm_(model.parameters(), max_norm=10)\n"
        "            optimizer.step()\n", "            optimizer.step()\n"
        "            nn.utils.clip_grad_norm_(model.parameters(), max_norm=10)\n",
        "clipping-without-effect", CLIP),
    "clipping before backward": planted(TANH, "train", "        loss.backward()\n"
        "        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)\n",
        "        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)\n"
        "        loss.backward()\n", "clipping-without-effect", CLIP),
    "clipped values that are thrown away": planted(STEPS, "train", "q.grad *= 10 / total",
        "q.grad * 10 / total", "clipping-without-effect"),
    "clamped gradients that are thrown away": planted(EXP, "train",
        "        torch.nn.utils.clip_grad_value_(model.parameters(), args.clip)\n",
        "        for w in model.parameters():\n            w.grad.clamp(-args.clip, args.clip)\n",
        "clipping-without-effect", "w.grad.clamp("),
    "clipping before the gradients are cleared": planted(STATE, "train",
        "        optimizer.zero_grad()\n        outputs, _ = model(inputs)\n",
        '        nn.utils.clip_grad_norm_(model.parameters(), config["max_norm"])\n'
        "        optimizer.zero_grad()\n        outputs, _ = model(inputs)\n",
        "clipping-without-effect", CLIP, more=(("train", "        loss.backward()\n"
        '        nn.utils.clip_grad_norm_(model.parameters(), config["max_norm"])\n',
        "        loss.backward()\n"),)),
    # what is measured
    "the accuracy of the training data": planted(S, "train", "for x, y in test_loader)",
        "for x, y in loader)", "tests-on-training-data", "for x, y in loader)"),
    "a test set that is the training set": planted(EXP, "train",
        'PalindromeDataset(args.T, "test", 200), batch_size',
        'PalindromeDataset(args.T, "train", 200), batch_size', "tests-on-training-data",
        "test_loader = DataLoader(", instead=("split-leak",)),
    "overlapping subsets": planted(OBJECTS, "train", "range(edge, len(everything))",
        "range(len(everything))", "split-leak", "test_part = DataLoader(",
        instead=("tests-on-training-data",)),
}  # fmt: skip
