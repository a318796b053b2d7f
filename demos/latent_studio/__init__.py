"""The latent studio: generate digits, walk between two of them, ask the discriminator."""
