"""A stand-in for `toolkit.assignment check PATH --json`: it imports the files, no more.

Like the check it runs the student's code in another process, whose output is not its own.
"""

import json
import subprocess
import sys
from pathlib import Path

from toolkit.assignment.parts import FILES, find_parts, list_files


def main() -> None:
    root = Path(sys.argv[1])
    found = find_parts(list_files(root))
    findings = []
    for part, name in FILES.items():
        path = found.get(part)
        finding = {"verdict": "wrong", "part": part, "file": name if path is None else str(path)}
        if path is None or not (root / path).exists():  # it may have deleted itself
            findings.append(finding | {"id": "missing-file", "message": f"{name} is missing."})
            continue
        imported = subprocess.run(
            [sys.executable, "-c", f"import {path.stem}"],
            cwd=root / path.parent,
            stdout=sys.stderr,
        )
        if imported.returncode != 0:
            message = f"import {path.stem} ends with exit code {imported.returncode}."
            findings.append(finding | {"id": "does-not-import", "message": message})
    print(json.dumps({"passed": not findings, "findings": findings}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
