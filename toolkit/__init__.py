"""A teaching toolkit: an LSTM written from its equations, and a GAN that draws digits.

In each of `toolkit.lstm`, `toolkit.gan`, `toolkit.export` and `toolkit.common`, `__all__` lists the
names that your own program can import.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
