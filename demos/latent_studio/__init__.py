"""The latent studio: generate digits, walk between two digits, and ask the discriminator how real
they look.
"""
