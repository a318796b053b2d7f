"""Packages that courses have besides torch: a machine that lacks one cannot judge who uses it."""

from collections.abc import Collection, Mapping

from toolkit.assignment.parts import FILES, Part

USUAL = (
    *("IPython", "PIL", "albumentations", "attr", "click", "cv2", "dill", "einops", "fire", "h5py"),
    *("imageio", "ipywidgets", "joblib", "keras", "kornia", "lightning", "matplotlib", "networkx"),
    *("nltk", "notebook", "numba", "omegaconf", "openpyxl", "optuna", "pandas", "plotly"),
    *("psutil", "pytorch_lightning", "requests", "scipy", "seaborn", "skimage", "sklearn"),
    *(
        "statsmodels",
        "sympy",
        "tensorboard",
        "tensorboardX",
        "tensorflow",
        "tifffile",
        "timm",
        "torchaudio",
    ),
    *("torchinfo", "torchmetrics", "torchsummary", "torchtext", "torchvision", "tqdm", "wandb"),
    *("xgboost", "yaml"),
)


def excused(missing: Collection[Part], packages: Collection[str]) -> Mapping[str, str]:
    """Modules that a student's code may fail to import at no cost: the name, and the reason.

    Args:
        missing: the parts whose files are not there.
        packages: what the course allows besides `USUAL`.
    """
    lacking = {name: f"this machine lacks {name}" for name in (*USUAL, *packages)}
    not_there = {
        FILES[part].removesuffix(".py"): f"{FILES[part]} is missing, which is counted once"
        for part in missing
    }
    return lacking | not_there
