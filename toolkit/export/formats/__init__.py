"""The formats of a network, one module for each; `to_bytes` makes the content of a file.

- `weights`: `.safetensors`, the result of a training, from which the network is built.
- `program`: `.pt2`, a graph of `torch.export`.
- `onnx`: `.onnx`, made through that graph.
- `torchscript`: `.pt`, where this torch can still write it.

Each file is made from the network itself, never from another file.
"""
