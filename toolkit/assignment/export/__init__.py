"""The command `export`, which writes a student's own networks in the toolkit's file formats.

- `lstm`: turns an RNN, or a network that the check has proved to be an LSTM, into the toolkit's
  network.
- `gan`: exports a generator and a discriminator unchanged, with the toolkit's interface.
- `own`: wraps these two networks, and makes their files.
- `weights`: finds the files with weights, and the network that the weights fit.
- `command`: combines these modules, and writes the files.
"""
