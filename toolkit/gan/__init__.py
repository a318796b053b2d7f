"""Part II: a GAN that generates MNIST digits, and the classifier that evaluates it."""
