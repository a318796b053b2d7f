"""A teaching toolkit: an LSTM written from its equations, and a GAN that draws digits."""
