"""A program that grades the student's checked-out repository in the working directory, and writes
result.json there.

Classroom 50's runner or grade.yml starts this program; see README.md. The program needs
passwordless sudo, which GitHub Actions runners provide. The program installs its requirements into
a virtual environment, not into the system's Python.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUPPORTED = ((3, 11), (3, 13))  # the first and the last supported version
KEPT = ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL", "REVIEW_URL")


def main() -> None:
    """Install the requirements, and grade as root.

    Only root can run the submission as another user.
    """
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        first, last = SUPPORTED
        versions = f"{first[0]}.{first[1]} to {last[0]}.{last[1]}"
        sys.exit(f"This needs Python {versions}: give the assignment runtime.json.")
    environment = Path(tempfile.mkdtemp(prefix="grader-"))
    environment.chmod(0o755)  # another user runs the submission in it
    python = environment / "bin" / "python"
    # -P: nothing is imported from the working directory, where the student's own files are.
    run(sys.executable, "-P", "-m", "venv", environment)
    run(python, "-P", "-m", "pip", "install", "--quiet", "uv")
    uv = (environment / "bin" / "uv", "pip", "install", "--quiet", "--python", python)
    run(*uv, "--torch-backend", "cpu", "--compile-bytecode", "-r", HERE / "requirements.txt")
    variables = [f"{name}={os.environ[name]}" for name in KEPT if name in os.environ]
    run("sudo", "chown", "-R", "root:root", HERE / "toolkit")
    run("sudo", "chmod", "-R", "go-rwx", HERE / "toolkit")  # no submission may read this
    run("sudo", "env", f"PYTHONPATH={HERE}", "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1",
        *variables, python, "-P", "-m", "toolkit.assignment.package.on_classroom50",
        Path.cwd())  # fmt: skip


def run(*command: object) -> None:
    """Run a command; if the command fails, exit with an error message."""
    code = subprocess.run(list(map(str, command))).returncode
    if code != 0:
        sys.exit(f"The grader failed: {command[0]} ended with exit code {code}.")


if __name__ == "__main__":
    main()
