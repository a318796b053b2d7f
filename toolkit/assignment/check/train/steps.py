"""Judges the steps of the optimiser: RMSProp, on this model's parameters, with fresh gradients."""

from toolkit.assignment.check.train.trace import Event, Trace
from toolkit.assignment.check.verdicts import Verdicts

RATES = (1e-6, 0.2)  # learning rates of RMSProp that may work
MANY = 16  # backward passes after which a step should have been seen
ANEW = 3  # optimisers with one step each that follow each other


def check_steps(trace: Trace, verdicts: Verdicts) -> None:
    """Look at all steps that were seen."""
    steps = trace.all("step")
    if not steps:
        _check_none(trace, verdicts)
        return
    _check_optimiser(steps, trace, verdicts)
    if not any(step["passes"] for step in steps):
        _check_no_gradient(steps, trace, verdicts)
        return
    if not any(step["moved"] for step in steps):
        rate = steps[0]["lr"]
        reached = [p for e in trace.all("backward") for p in e["changed"]]
        at = _made(steps[0], trace)
        verdicts.fault(
            "does-not-learn.rate-too-small", at=at, proof={"these": reached, "those": []}, rate=rate
        )
        return
    _check_held(steps, trace, verdicts)
    rate = steps[0]["lr"]
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        verdicts.fault("does-not-learn.rate", at=_made(steps[0], trace), proof={"rate": rate})
    _check_cleared(steps, verdicts)
    _check_clipping(steps, trace, verdicts)


def _check_none(trace: Trace, verdicts: Verdicts) -> None:
    """No optimiser stepped: is that the end of the story, or was it only not seen?"""
    begun = trace.all("backward", "loss")
    many = len(trace.all("backward")) >= MANY
    if not begun or verdicts.faults or (trace.ended not in ("finished", "enough") and not many):
        return
    at = min(begun, key=lambda e: e.kind)
    verdicts.fault("does-not-learn.no-step", at=at, proof={"ran": trace.ended, "times": 0})


def _check_optimiser(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """RMSProp, made once."""
    step = next((s for s in steps if "RMSprop" in s["classes"]), steps[0])
    kind = step["class"]
    if kind is None:
        _check_by_hand(steps, trace, verdicts)
    elif "RMSprop" in step["classes"]:
        verdicts.right("optimiser")
    elif "rms" in kind.lower():
        verdicts.not_seen("almost-rmsprop", at=step, kind=kind)
    else:
        verdicts.fault(
            "wrong-optimiser.other",
            at=_made(step, trace),
            proof={"these": ["RMSprop"], "those": step["classes"]},
            kind=kind,
        )
    ids = [s["optimiser"] for s in steps[: ANEW + 1]]
    same = all(s["parameters"] == steps[0]["parameters"] for s in steps[: ANEW + 1])
    if kind is not None and len(ids) > ANEW and len(set(ids)) == len(ids):
        verdicts.fault(
            "wrong-optimiser.anew" if same else "does-not-learn.anew",
            at=_made(steps[1], trace),
            proof={"optimisers": ids},
            kind=kind,
        )


def _check_by_hand(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """Weights that are moved without an optimiser of torch's: by which rule?

    The first step of RMSProp is of the same size everywhere, since the mean of the squares is that
    of one gradient; the later ones are not, and all are against the sign of the gradient.
    """
    at = next(iter(trace.moves), steps[0])
    rules = [set(step["rules"]) for step in steps if step["class"] is None and step["rules"]]
    seen = set[str]().union(*rules)
    if seen == {"proportional"}:
        verdicts.fault("wrong-optimiser.by-hand", at=at, proof={"rules": seen})
    elif len(rules) > 1 and rules[0] == {"even"} and seen == {"even", "against"}:
        verdicts.right("by-hand-optimiser")
    else:
        verdicts.not_seen("by-hand-optimiser", at=at)


def _check_no_gradient(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """No step had a gradient that a backward pass has made."""
    by_hand = next((step for step in steps if step["given"]), None)
    if by_hand is not None:
        verdicts.not_seen("by-hand-gradients", at=by_hand)
        return
    reached = {p for e in trace.all("backward") for p in e["changed"]}
    if reached and not reached & {p for step in steps for p in step["parameters"]}:
        held = {p for step in steps for p in step["parameters"]}
        at = _made(steps[0], trace)
        verdicts.fault(
            "does-not-learn.other-weights", at=at, proof={"these": held, "those": reached}
        )
        return
    verdicts.fault(
        "does-not-learn.no-gradient",
        at=steps[0],
        proof={"ran": f"{len(steps)} steps", "times": sum(len(step["passes"]) for step in steps)},
    )


def _check_held(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """Every parameter that the loss reaches is in some optimiser."""
    held = {p for step in steps for p in step["parameters"]}
    missing = {p for e in trace.all("backward") for p in e["changed"]} - held
    names = [
        name
        for network in trace.networks.values()
        for p, name in zip(network["parameters"], network["names"], strict=True)
        if p in missing and held & set(network["parameters"])
    ]
    if names:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        verdicts.fault(
            "does-not-learn.not-held",
            at=_made(steps[0], trace),
            proof={"these": missing, "those": held},
            n=len(names),
            shown=shown,
        )


def _check_cleared(steps: list[Event], verdicts: Verdicts) -> None:
    """A step uses the gradients of passes that no step before has used."""
    stale = next((step for step in steps if step["stale"]), None)
    if stale is not None:
        verdicts.fault(
            "gradients-not-cleared.stale",
            at=stale,
            proof={"these": stale["passes"], "those": stale["stale"]},
        )
    elif sum(bool(step["passes"]) for step in steps) > 1:
        verdicts.right("cleared")
    else:
        verdicts.not_seen("one-step")


def _check_clipping(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """Where gradients are clipped, it comes after backward and before the step."""
    clips = trace.all("clip")
    if trace.discarded:
        verdicts.fault(
            "clipping-without-effect.discarded",
            at=trace.discarded[0],
            proof={"text": "a result of .grad that nothing is assigned to"},
        )
        return
    if not clips:
        return
    useful = [clip for clip in clips if clip["fresh"] and clip["kept"]]
    if useful:
        verdicts.right("clipped")
        return
    clip = clips[-1]
    if not clip["parameters"]:
        why = "nothing"
    elif not clip["kept"]:
        why = "copies"
    else:
        after = any(step.index < clip.index for step in steps) and _follows_step(clip, trace)
        why = "late" if after else "early"
    verdicts.fault(
        f"clipping-without-effect.{why}",
        at=clip,
        proof={"clips": [[bool(c["fresh"]), bool(c["kept"])] for c in clips]},
        name=clip["name"],
    )


def _follows_step(clip: Event, trace: Trace) -> bool:
    """Whether the last pass before a clip was already used by a step when it came."""
    before = [e for e in trace.between(-1, clip.index, "backward", "step", "batch")]
    return bool(before) and before[-1].kind == "step"


def _made(step: Event, trace: Trace) -> Event:
    """Where the optimiser of a step was made, if that was seen."""
    made = [e for e in trace.all("optimiser") if e["optimiser"] == step["optimiser"]]
    return made[0] if made and made[0].line else step
