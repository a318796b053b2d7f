"""A stand-in for the check, without torch in the sandbox: it imports the files, no more.

Time passes when a file says so, and not because the machine is slow: see `STRIKES`.

Run as a program it is the child, which speaks the protocol of `toolkit.assignment.running.wire`
and, like the real one, lets another process run the student's code. What that prints goes to the
error output, where tests can read it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

STRIKES = "# the clock strikes"  # in a file: while it is imported, a day goes by


def judge(submission: Any, host: Any, root: str, packages: Collection[str]) -> Any:
    """The real judge, with another one for each part."""
    from toolkit.assignment.findings.findings import QUESTIONS, Finding
    from toolkit.assignment.findings.rules import claims
    from toolkit.assignment.judging import parent
    from toolkit.assignment.running.replies import REPLIES, Reply

    def check(child: Any, located: Any, verdicts: Any) -> None:
        verdicts.doing(f"importing {located.file}")
        if STRIKES in (submission.root / located.file).read_text(errors="replace"):
            host.clock._times = (host.clock.seconds + 86_400, None)
        with mock.patch.dict(REPLIES[verdicts.part], {"try_it": Reply(int)}):
            code = child.ask.try_it(file=located.file)
        if code:
            problem = f"it ends with exit code {code}"
            proof = claims.shared.was_seen(problem)
            verdicts.fault("does-not-import.raised", proof=proof, problem=problem)
        else:
            right = Finding(
                verdict="right",
                part=verdicts.part,
                message="It can be imported.",
                answers=tuple(chain(*QUESTIONS[verdicts.part])),
            )
            verdicts.findings.append(right)

    judges = mock.patch.dict(parent.JUDGES, dict.fromkeys(parent.JUDGES, "stand_in_judge"))
    with mock.patch.dict(sys.modules, stand_in_judge=SimpleNamespace(check=check)), judges:
        return parent.judge(submission, host, root, packages=packages)


def receive() -> tuple[str, Any]:
    head = read(40)
    return head[:32].decode(), json.loads(read(int(head[32:], 16)))


def read(length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = os.read(0, length - len(data))
        if not piece:
            sys.exit()
        data += piece
    return data


def send(nonce: str, value: Any, to: int = 1) -> None:
    payload = json.dumps(value).encode()
    os.write(to, f"{nonce}{len(payload):08x}".encode() + payload)


def main() -> None:
    while True:
        nonce, request = receive()
        answer, question = receive()
        if question["ask"] == "try_it":
            path = Path(request["root"], question["arguments"]["file"])
            send(answer, {"value": import_it(path)})
            receive()  # no more
        ended = {"ended": {"status": 0, "seconds": 0.0, "cpu": 0.0, "late": False}}
        for descriptor in (int(sys.argv[1]), 1):
            send(nonce, ended, descriptor)


def import_it(path: Path) -> int:
    """The exit code; a file that has deleted itself cannot be imported either."""
    if not path.exists():
        return 1
    return subprocess.run(
        [sys.executable, "-c", f"import {path.stem}"],
        cwd=path.parent,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    ).returncode


if __name__ == "__main__":
    main()
