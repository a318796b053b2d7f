"""The command `export`, which writes a student's own networks in the toolkit's file formats.

- `lstm`: copies the weights of an RNN, or of an LSTM whose equations the automatic check has
  confirmed, into the toolkit's own RNN or LSTM.
- `gan`: exports a generator and a discriminator unchanged.
- `own`: wraps the generator and the discriminator so that they have the same interface as the
  toolkit's networks, and produces the contents of the files to write.
- `weights`: finds the file that contains the weights of each network.
- `command`: combines the other modules, and writes the exports.
"""
