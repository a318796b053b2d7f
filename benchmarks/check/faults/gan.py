"""Faults in a GAN."""

from faults.kind import Kind

KINDS = {
    # my_gan.py
    "no detach": Kind("gan", r"\.detach\(\)", "", ("missing-detach", "does-not-run")),
    "D's gradients are not cleared": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(optimizer_[dD]|opt_[dD]|discriminator)\.zero_grad\(\)$",
        r"\g<s>pass",
        ("gradients-not-cleared",),
        also=r"\.step\(|backward\(",
    ),
    "G's gradients are not cleared": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(optimizer_[gG]|opt_[gG]|generator)\.zero_grad\(\)$",
        r"\g<s>pass",
        ("gradients-not-cleared",),
        also=r"\.step\(|backward\(",
    ),
    "generated images are called real": Kind(
        "gan",
        r"torch\.zeros_like\((no|fake_logits)\)",
        r"torch.ones_like(\1)",
        ("wrong-direction", "one-sided-loss", "wrong-loss"),
    ),
    "G wants to be caught": Kind(
        "gan",
        r"discriminator\(gen_imgs\), real\)",
        "discriminator(gen_imgs), fake)",
        ("wrong-direction",),
    ),
    "G wants to be caught, by logits": Kind(
        "gan",
        r"(?P<v>bce\(verdict|with_logits\(logits), torch\.ones_like",
        r"\g<v>, torch.zeros_like",
        ("wrong-direction",),
    ),
    "G's loss has the other sign": Kind(
        "gan", r"loss_g = -nn", "loss_g = nn", ("wrong-direction",)
    ),
    "D's loss has the other sign": Kind("gan", r"loss_d = -\(", "loss_d = (", ("wrong-direction",)),
    "real images are called generated": Kind(
        "gan",
        r"discriminator\(imgs\), real\)",
        "discriminator(imgs), fake)",
        ("wrong-direction", "one-sided-loss"),
    ),
    "D sees no generated image": Kind(
        "gan", r"\(d_real \+ d_fake\) / 2", "d_real", ("one-sided-loss",)
    ),
    "D sees no real image": Kind("gan", r"\(d_real \+ d_fake\) / 2", "d_fake", ("one-sided-loss",)),
    "uniform noise": Kind("gan", r"torch\.randn\(", "torch.rand(", ("wrong-noise",)),
    "wide noise": Kind(
        "gan", r"torch\.normal\(0\.0, 1\.0", "torch.normal(0.0, 3.0", ("wrong-noise",)
    ),
    "no tanh at the end": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)nn\.Tanh\(\),\n",
        "",
        ("output-range",),
        also=r"Tanh|Sigmoid|sigmoid\(|Normalize|ToTensor",
    ),
    "sigmoid at the end": Kind(
        "gan",
        r"nn\.Tanh\(\),",
        "nn.Sigmoid(),",
        ("output-range",),
        also=r"Tanh|Sigmoid|sigmoid\(|Normalize|ToTensor",
    ),
    "data not scaled": Kind(
        "gan",
        r"[A-Za-z]+\.Normalize\([^\n]*?0\.5[^\n]*?\)(?=\)|\]|\n)",
        "transforms.Lambda(lambda x: x)",
        ("output-range",),
        also=r"Tanh|Sigmoid|sigmoid\(|Normalize|ToTensor",
    ),
    "sigmoid, and logits expected": Kind(
        "gan", r"nn\.BCELoss\(\)", "nn.BCEWithLogitsLoss()", ("sigmoid-twice",), also=r"[sS]igmoid"
    ),
    "drawn in training mode": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(generator|G)\.eval\(\)\n(?=[^=]*(sample|save_image|images = ))",
        r"\g<s>pass\n",
        ("batchnorm-mode",),
    ),
    "trained in eval mode afterwards": Kind(
        "gan",
        r"(?m)^(?P<s>\s+)(generator|G)\.train\(\)$",
        r"\g<s>pass",
        ("batchnorm-mode",),
        also=r"\.eval\(\)",
    ),
    "G's optimiser has D's parameters": Kind(
        "gan",
        r"(?P<o>(optimizer|opt)_[gG] = torch\.optim\.Adam\()(generator|G)\.",
        lambda m: m["o"] + {"generator": "discriminator.", "G": "D."}[m[3]],
        ("wrong-optimiser", "wrong-direction", "does-not-learn", "gradients-not-cleared"),
        also=r"[gG]\.step\(",
    ),
    "7 images with both ends": Kind(
        "gan",
        r"linspace\(0, 1, (9|n_steps \+ 2)\)",
        "linspace(0, 1, 7)",
        ("wrong-interpolation",),
        sure=True,
    ),
    "one end is missing": Kind(
        "gan", r"linspace\(0, 1, 9\)", "linspace(0, 0.9, 9)", ("wrong-interpolation",), sure=True
    ),
    "the path is bent": Kind(
        "gan",
        r"z1 \+ \(z2 - z1\) \* w",
        "z1 + (z2 - z1) * w**2",
        ("wrong-interpolation",),
        sure=True,
    ),
    "both ends of any class": Kind(
        "gan", r"if digits\[0\] != digits\[1\]:", "if True:", ("same-class-ends",), sure=True
    ),
}
