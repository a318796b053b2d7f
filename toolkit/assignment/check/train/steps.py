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
        message = f"The steps move no weight. The learning rate is {rate}. Start at 0.001."
        reached = [p for e in trace.all("backward") for p in e["changed"]]
        at = _made(steps[0], trace)
        verdicts.fault("does-not-learn", message, at=at, proof={"these": reached, "those": []})
        return
    _check_held(steps, trace, verdicts)
    rate = steps[0]["lr"]
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        message = f"It does not learn with a learning rate of {rate:g}. Start at 0.001."
        verdicts.fault("does-not-learn", message, at=_made(steps[0], trace), proof={"rate": rate})
    _check_cleared(steps, verdicts)
    _check_clipping(steps, trace, verdicts)


def _check_none(trace: Trace, verdicts: Verdicts) -> None:
    """No optimiser stepped: is that the end of the story, or was it only not seen?"""
    begun = trace.all("backward", "loss")
    many = len(trace.all("backward")) >= MANY
    if not begun or verdicts.faults or (trace.ended not in ("finished", "enough") and not many):
        return
    message = "No optimiser step follows the loss, so the weights never change."
    at = min(begun, key=lambda e: e.kind)
    verdicts.fault("does-not-learn", message, at=at, proof={"ran": trace.ended, "times": 0})


def _check_optimiser(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """RMSProp, made once."""
    step = next((s for s in steps if "RMSprop" in s["classes"]), steps[0])
    kind = step["class"]
    if kind is None:
        _check_by_hand(steps, trace, verdicts)
    elif "RMSprop" in step["classes"]:
        verdicts.right("The optimiser is RMSProp.", "wrong-optimiser")
    elif "rms" in kind.lower():
        sentence = f"Whether {kind} is RMSProp was not looked at."
        verdicts.not_seen(sentence, id="wrong-optimiser", at=step)
    else:
        verdicts.fault(
            "wrong-optimiser",
            f"The optimiser is {kind}, but the assignment asks for RMSProp.",
            at=_made(step, trace),
            proof={"these": ["RMSprop"], "those": step["classes"]},
        )
    ids = [s["optimiser"] for s in steps[: ANEW + 1]]
    same = all(s["parameters"] == steps[0]["parameters"] for s in steps[: ANEW + 1])
    if kind is not None and len(ids) > ANEW and len(set(ids)) == len(ids):
        verdicts.fault(
            "wrong-optimiser" if same else "does-not-learn",
            f"Each step is made by a new {kind}, so what it has learned about the gradients before "
            "is lost. Where should it be made?"
            if same
            else f"Each step is made by a new {kind} on new weights, so nothing is kept from one "
            "batch to the next. Where should the model be made?",
            at=_made(steps[1], trace),
            proof={"optimisers": ids},
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
        verdicts.fault(
            "wrong-optimiser",
            "The weights are moved by hand in proportion to the gradient, which is plain gradient "
            "descent, but the assignment asks for RMSProp. What is the gradient divided by there?",
            at=at,
            proof={"rules": seen},
        )
    elif len(rules) > 1 and rules[0] == {"even"} and seen == {"even", "against"}:
        verdicts.right("The weights are moved by hand, as RMSProp does.", "wrong-optimiser")
    else:
        verdicts.not_seen(
            "The weights are moved by hand, without an optimiser of torch's. Whether that is "
            "RMSProp could not be told.",
            id="wrong-optimiser",
            at=at,
        )


def _check_no_gradient(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """No step had a gradient that a backward pass has made."""
    by_hand = next((step for step in steps if step["given"]), None)
    if by_hand is not None:
        verdicts.not_seen(
            "The gradients are computed by hand, without backward. Whether they are those of the "
            "loss (9) was not looked at.",
            at=by_hand,
        )
        return
    reached = {p for e in trace.all("backward") for p in e["changed"]}
    if reached and not reached & {p for step in steps for p in step["parameters"]}:
        message = (
            "The loss reaches other weights than those that the optimiser holds. Which model is "
            "trained, and whose parameters was the optimiser given?"
        )
        held = {p for step in steps for p in step["parameters"]}
        at = _made(steps[0], trace)
        verdicts.fault("does-not-learn", message, at=at, proof={"these": held, "those": reached})
        return
    verdicts.fault(
        "does-not-learn",
        "The optimiser steps without a gradient. Is backward called on the loss, and does the "
        "optimiser hold the parameters of the model that you train?",
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
            "does-not-learn",
            f"The loss gives {len(names)} parameters of the model a gradient ({shown}), but no "
            "optimiser holds them, so they stay as they are. Which parameters was it given?",
            at=_made(steps[0], trace),
            proof={"these": missing, "those": held},
        )


def _check_cleared(steps: list[Event], verdicts: Verdicts) -> None:
    """A step uses the gradients of passes that no step before has used."""
    stale = next((step for step in steps if step["stale"]), None)
    if stale is not None:
        verdicts.fault(
            "gradients-not-cleared",
            "When the optimiser steps, the gradients still contain those of earlier batches. What "
            "has to happen between one step and the next backward?",
            at=stale,
            proof={"these": stale["passes"], "those": stale["stale"]},
        )
    elif sum(bool(step["passes"]) for step in steps) > 1:
        answers = "gradients-not-cleared does-not-learn"
        verdicts.right("Gradients are cleared before each step.", answers)
    else:
        verdicts.not_seen(
            "Only one step was seen, so it is not known whether gradients are cleared.",
            id="gradients-not-cleared",
        )


def _check_clipping(steps: list[Event], trace: Trace, verdicts: Verdicts) -> None:
    """Where gradients are clipped, it comes after backward and before the step."""
    clips = trace.all("clip")
    if trace.discarded:
        verdicts.fault(
            "clipping-without-effect",
            "Something is computed from a gradient here, and nobody keeps it: the gradient itself "
            "stays as it is. What would change it in place, or put the result back?",
            at=trace.discarded[0],
            proof={"text": "a result of .grad that nothing is assigned to"},
        )
        return
    if not clips:
        return
    useful = [clip for clip in clips if clip["fresh"] and clip["kept"]]
    if useful:
        verdicts.right("Gradients are clipped between the backward pass and the step.")
        return
    clip = clips[-1]
    if not clip["parameters"]:
        what = "It is given no parameters: model.parameters() can be gone through only once."
    elif not clip["kept"]:
        what = "It returns new gradients, and the old ones stay where they are."
    else:
        after = any(step.index < clip.index for step in steps) and _follows_step(clip, trace)
        place = "after the step that has used them" if after else "before backward has made any"
        what = f"It comes {place}."
    verdicts.fault(
        "clipping-without-effect",
        f"{clip['name']} has no effect. {what} At which moment are the gradients there, and not "
        "yet used?",
        at=clip,
        proof={"clips": [[bool(c["fresh"]), bool(c["kept"])] for c in clips]},
    )


def _follows_step(clip: Event, trace: Trace) -> bool:
    """Whether the last pass before a clip was already used by a step when it came."""
    before = [e for e in trace.between(-1, clip.index, "backward", "step", "batch")]
    return bool(before) and before[-1].kind == "step"


def _made(step: Event, trace: Trace) -> Event:
    """Where the optimiser of a step was made, if that was seen."""
    made = [e for e in trace.all("optimiser") if e["optimiser"] == step["optimiser"]]
    return made[0] if made and made[0].line else step
