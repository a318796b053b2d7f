"""The search for a recipe: python benchmarks/gan_recipe.py NAME [setting=value ...]

The script trains the GAN with some settings changed, e.g. `beta1=0.5 seed=1`. The settings are
those of `toolkit.gan.config.Config`. The script then measures the GAN, and appends a line to
benchmarks/gan_recipe.jsonl, the log of all trials. `python benchmarks/gan_recipe.py --table` prints
the log as Markdown.

The distances of two draws of 10,000 samples from one generator differ by about 1, and those of two
seeds of one recipe by about 0.5. Recipes are therefore compared by the distance of 50,000 samples,
over three seeds. A trial runs on one thread, so that several trials can run side by side. Its cost
is given in processor time, which a busy machine lengthens less than wall-clock time. Some settings
in the log are not in `Config`; they were tried with earlier versions of this script.
"""

import dataclasses
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import torch
from recipe_log import LOG, table
from torch import nn

from toolkit.common.device import pick_precision
from toolkit.common.record import Spread
from toolkit.common.runs import Run
from toolkit.export import loading
from toolkit.export.manifest import judge_of, readable_exports
from toolkit.gan.config import Config
from toolkit.gan.data import load_mnist
from toolkit.gan.measure.evaluation import Evaluator, fit_gaussian, frechet_distance, sample_draws
from toolkit.gan.training import train

CPU = torch.device("cpu")


def run_trial(config: Config) -> dict[str, object]:
    """Train a GAN, measure it, and return the results for the log."""
    mnist = load_mnist()
    sha256 = judge_of(readable_exports())
    evaluator = Evaluator(loading.load("classifier", readable_exports()), sha256, mnist, CPU)
    with tempfile.TemporaryDirectory() as directory, Run(Path(directory) / "gan", config) as run:
        begin = time.process_time()
        networks, _ = train(config, run, mnist.train_images, mnist.train_labels, CPU, unmeasured)
        cost = time.process_time() - begin
    return {"seconds": round(cost), "classifier": sha256[:12]} | measure(
        networks.average, evaluator
    )


def unmeasured(_generator: nn.Module) -> dict[str, float | str]:
    """Return a constant, because nothing is measured during the training."""
    return {"distance": 0.0}


def measure(generator: nn.Module, evaluator: Evaluator) -> dict[str, object]:
    """Return the scores of ten draws of 10,000 samples, and the distance of the first five draws
    together.
    """
    draws, scores = [], []
    for images in sample_draws(generator, 0, 10, evaluator.num_images):
        draws.append(evaluator.predict(images))
        scores.append(evaluator.scores(draws[-1]))
    together = fit_gaussian(torch.cat([draw.features for draw in draws[:5]]))
    spread = Spread.of([score.frechet_distance for score in scores])
    return {
        "distance": round(spread.mean, 2),
        "distance_sd": round(spread.sd or 0.0, 2),
        "num_draws": spread.num_draws,
        "all_draws": round(frechet_distance(together, fit_gaussian(evaluator.test.features)), 2),
        "unsure": round(fmean(score.share_unsure for score in scores), 4),
    }


def changed_settings(settings: list[str]) -> dict[str, object]:
    """Return the values of settings such as `beta1=0.5`; end the program if `Config` lacks a
    setting.
    """
    known = [field.name for field in dataclasses.fields(Config)]
    changes: dict[str, object] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in known:
            sys.exit(f"There is no setting {key!r}; see Config in toolkit/gan/config.py.")
        changes[key] = value if key in ("architecture", "loss") else json.loads(value)
    return changes


def main() -> None:
    """Run one trial, or print the table."""
    if sys.argv[1:] == ["--table"]:
        print(table())
        return
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    name, *settings = sys.argv[1:]
    changes = changed_settings(settings)
    config = replace(Config(precision=pick_precision(CPU)), **changes)
    config = replace(config, eval_every=config.num_steps)
    torch.set_num_threads(1)
    entry = {"name": name, "changes": changes, "num_steps": config.num_steps} | run_trial(config)
    with LOG.open("a") as log:
        log.write(json.dumps(entry) + "\n")
    print(json.dumps(entry))


if __name__ == "__main__":
    main()
