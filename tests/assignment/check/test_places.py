"""Whose a line of code is."""

from toolkit.assignment.check.child.places import within


def test_a_file_of_theirs_on_any_system() -> None:
    assert within("/me/mine/part1/lstm.py", "/me/mine") == "part1/lstm.py"
    assert within("C:\\me\\mine\\part1\\lstm.py", "C:\\me\\mine") == "part1/lstm.py"
    assert within("/me/mine_too/lstm.py", "/me/mine") is None
