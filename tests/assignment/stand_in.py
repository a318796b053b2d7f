"""A stand-in for `toolkit.assignment check PATH --json`: it imports the files, no more.

Like the check it runs the student's code in a process of its own, whose output is not its own.
"""

import json
import subprocess
import sys
from pathlib import Path

PARTS = {"dataset": "dataset", "lstm": "lstm", "train": "train", "my_gan": "gan"}


def main() -> None:
    path = Path(sys.argv[1])
    findings = []
    for name, part in PARTS.items():
        finding = {"part": part, "equation": None, "file": f"{name}.py", "line": None}
        if not (path / f"{name}.py").exists():
            findings.append(finding | {"id": "missing-file", "message": f"{name}.py is missing."})
            continue
        imported = subprocess.run(
            [sys.executable, "-c", f"import {name}"], cwd=path, stdout=sys.stderr
        )
        if imported.returncode != 0:
            message = f"import {name} ends with exit code {imported.returncode}."
            findings.append(finding | {"id": "does-not-import", "message": message})
    print(json.dumps({"passed": not findings, "findings": findings}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
