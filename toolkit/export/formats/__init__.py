"""The formats of an exported network; each format's `to_bytes` returns the file's content.

- `weights`: the `.safetensors` file, the result of a training run, from which the network is built.
- `program`: the `.pt2` file, a `torch.export` graph.
- `onnx`: the `.onnx` file, converted from that graph.
- `torchscript`: the `.pt` file, if the installed torch can still write TorchScript.

Each file is made from the network itself, never from a file in another format.
"""
