"""The latent studio, a page in the browser: python demos/gan_demo.py [--share] [--help]"""

from serving.app import command_line

app = command_line("Latent studio", "latent_studio.page")

if __name__ == "__main__":
    app()
