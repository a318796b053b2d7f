#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python, torch for the CPU, and what
# students import. Another user must be able to read all of it, and nothing of the grader.
set -euo pipefail
source=${AUTOGRADER:-/autograder}/source

apt-get update
apt-get install -y --no-install-recommends python3-venv
python3 -m venv /opt/uv
/opt/uv/bin/python -m pip install uv
export UV_PYTHON_INSTALL_DIR=/opt/python
/opt/uv/bin/uv venv --python 3.12 /opt/grader
/opt/uv/bin/uv pip install --python /opt/grader/bin/python --torch-backend cpu --compile-bytecode \
  -r "$source/requirements.txt"
rm -rf ~/.cache/uv /opt/uv
chmod -R go-rwx "$source"
