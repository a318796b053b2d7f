"""A teaching toolkit: an LSTM written from its equations, and a GAN that draws digits.

What a program of your own imports is listed in `__all__` of `toolkit.lstm`, `toolkit.gan`,
`toolkit.export` and `toolkit.common`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
