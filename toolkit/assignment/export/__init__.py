"""`toolkit export`: a student's own networks as files like ours, with their weights.

- `lstm`: a network that the check has proved to be an LSTM, or an RNN, becomes the toolkit's.
- `gan`: a generator and a discriminator stay as they are, behind the contract of ours.
- `weights`: the files that hold weights, and the network that they fit.
- `command`: puts these together, and writes.
"""
