"""The command `playground`, which writes the page in one file for a folder of exports.

- `page`: puts the networks, the films and the copies into the page.
- `layers`: records a network as the list of layers that the page computes.
"""
