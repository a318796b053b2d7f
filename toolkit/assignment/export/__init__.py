"""`toolkit export`: a student's own networks as files like ours, with their weights.

- `lstm`: what the check has proved to be an LSTM, or is an RNN, becomes the toolkit's network.
- `gan`: a generator and a discriminator stay as they are, behind the contract of ours.
- `weights`: the files that hold weights, and which fit which network.
- `command`: puts these together, and writes.
"""
