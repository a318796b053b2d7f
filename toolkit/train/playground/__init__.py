"""The command `playground`, which writes a self-contained web page that shows the exported networks
in a folder.

- `page`: writes the networks, the films of training, and the training images nearest to each
  generator's first samples into the page.
- `layers`: turns a network into a list of layers that the page can compute.
"""
