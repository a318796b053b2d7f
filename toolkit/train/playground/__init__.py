"""The command `playground`, which writes a self-contained web page for a folder of exports.

- `page`: puts the networks, the films and the nearest training images into the page.
- `layers`: records a network as the list of layers that the page computes.
"""
