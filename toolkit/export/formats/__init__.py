"""The formats of a network, a module for each: `to_bytes` makes the content of its file.

- `weights`: `.safetensors`, what a training produces; the network is built from it.
- `program`: `.pt2`, a graph of `torch.export`.
- `onnx`: `.onnx`, made through that graph.
- `torchscript`: `.pt`, where this torch can still write it.

Each is made from the network itself, none from another file.
"""
