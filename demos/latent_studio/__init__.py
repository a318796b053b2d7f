"""The latent studio: generate digits, follow a path through latent space from one digit to another,
and ask the discriminator how real the images look.
"""
