"""The formats of a network, one module for each; `to_bytes` makes the content of a file.

- `weights`: `.safetensors`, the result of a training run, from which the network is built.
- `program`: `.pt2`, a graph of `torch.export`.
- `onnx`: `.onnx`, converted from that graph.
- `torchscript`: `.pt`, if the installed torch can still write TorchScript.

Each file is made from the network itself, never from a file in another format.
"""
