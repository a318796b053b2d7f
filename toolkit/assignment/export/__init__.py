"""The command `export`, which writes a student's own networks in the toolkit's file formats.

- `lstm`: copies the weights of an RNN, or of an LSTM that the check has confirmed, into the
  toolkit's network.
- `gan`: exports a generator and a discriminator unchanged.
- `own`: wraps the generator and the discriminator in the toolkit's interface, and makes their
  files.
- `weights`: finds the files with weights, and the network to which the weights belong.
- `command`: combines the other modules, and writes the exports.
"""
