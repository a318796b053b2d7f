"""Packages that courses have besides torch: a machine that lacks one cannot judge who uses it."""

from collections.abc import Collection, Mapping

from toolkit.assignment.parts import FILES, Part

USUAL = (
    *("absl", "accelerate", "albumentations", "attr", "av", "beartype", "bs4", "cleanfid"),
    *("click", "clip", "coloredlogs", "cv2", "cycler", "datasets", "dill", "dotenv", "einops"),
    *("fastai", "fire", "flax", "git", "h5py", "haiku", "huggingface_hub", "hydra", "ignite"),
    *("imageio", "imageio_ffmpeg", "imgaug", "ipdb", "IPython", "ipywidgets", "jax", "joblib"),
    *("jupyter", "keras", "kornia", "lightning", "lightning_fabric", "lmdb", "lpips"),
    *("matplotlib", "medmnist", "mlxtend", "more_itertools", "moviepy", "natsort", "networkx"),
    *("addict", "dotmap", "easydict", "ml_collections", "munch"),
    *("nltk", "notebook", "numba", "nvidia_smi", "omegaconf", "onnx", "openpyxl", "optax"),
    *("optuna", "pandas", "PIL", "piq", "plotly", "polars", "psutil", "pyarrow", "pytorch_fid"),
    *("pytorch_lightning", "pytorch_msssim", "pytorch_ssim", "pytz", "ray", "regex"),
    *("requests", "safetensors", "scipy", "seaborn", "simplejson", "skimage", "sklearn"),
    *("sortedcontainers", "statsmodels", "streamlit", "sympy", "tensorboard", "tensorboardX"),
    *("tensorflow", "tensorflow_datasets", "tensorflow_probability", "tifffile", "timm"),
    *("toml", "torch_fidelity", "torch_optimizer", "torchaudio", "torchdata", "torchinfo"),
    *("torchmetrics", "torchsummary", "torchsummaryX", "torchtext", "torchvision", "tqdm"),
    *("transformers", "typer", "tyro", "umap", "wandb", "xgboost", "yacs", "yaml", "zarr"),
)


def excused(missing: Collection[Part], packages: Collection[str]) -> Mapping[str, str]:
    """Modules that a student's code may fail to import at no cost.

    Args:
        missing: the parts whose files are not there.
        packages: what the course allows besides `USUAL`.

    Returns:
        name -> the file that is not there; "" where only this machine lacks it.
    """
    not_there = {FILES[part].removesuffix(".py"): FILES[part] for part in missing}
    return dict.fromkeys((*USUAL, *packages), "") | not_there
