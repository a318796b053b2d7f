"""Part II: a GAN that draws MNIST digits, and the classifier that measures it."""
