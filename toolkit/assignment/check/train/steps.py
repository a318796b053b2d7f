"""Judges the steps of the optimiser: RMSProp, on this model's parameters, with fresh gradients."""

from typing import Any

from toolkit.assignment.check.train.player import Player, check_moves, should_step
from toolkit.assignment.check.train.trace import Backward, Batch, Clip, Loss, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts

RATES = (1e-6, 0.2)  # learning rates of RMSProp that may work


def check_steps(trace: Trace, verdicts: Verdicts) -> None:
    """Look at all steps that were seen."""
    steps, passes = trace.all(Step), trace.all(Backward)
    if not steps:
        begun = [*passes, *trace.all(Loss)]
        if begun and not verdicts.faults and should_step(trace, passes):
            seen = {"ran": trace.ended, "times": 0}
            verdicts.fault("does-not-learn.no-step", at=begun[0], proof=seen)
        return
    _check_optimiser(steps, trace, verdicts)
    if not any(step.passes for step in steps):
        _check_no_gradient(steps, trace, verdicts)
        return
    held = {p for step in steps for p in step.parameters}
    own = [n.parameters for n in trace.networks.values() if held & n.parameters.keys()]
    every = {p: name for parameters in own for p, name in parameters.items()}
    model = Player("model", every, steps, "does-not-learn")
    check_moves(model, trace, verdicts)
    if not model.moved:
        return
    rate = steps[0].lr
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        verdicts.fault("does-not-learn.rate", at=trace.maker(steps[0]), proof={"rate": rate})
    _check_cleared(steps, verdicts)
    _check_clipping(steps, trace, verdicts)


def _check_optimiser(steps: list[Step], trace: Trace, verdicts: Verdicts) -> None:
    """RMSProp, made once."""
    step = next((s for s in steps if "RMSprop" in s.classes), steps[0])
    if not step.classes:
        verdicts.not_seen("by-hand-optimiser", at=step)
        return
    kind, at = step.classes[0], trace.maker(step)
    if "RMSprop" in step.classes:
        verdicts.right("optimiser", proof={"classes": step.classes})
    elif "rms" in kind.lower():
        verdicts.not_seen("almost-rmsprop", at=step, kind=kind)
    else:
        seen = {"these": ["RMSprop"], "those": step.classes}
        verdicts.fault("wrong-optimiser.other", at=at, proof=seen)


def _check_no_gradient(steps: list[Step], trace: Trace, verdicts: Verdicts) -> None:
    """No step had a gradient that a backward pass has made."""
    reached = {p for e in trace.all(Backward) for p in e.changed}
    held = {p for step in steps for p in step.parameters}
    if by_hand := next((step for step in steps if step.given), None):
        verdicts.not_seen("by-hand-gradients", at=by_hand)
    elif reached and not reached & held:
        seen = {"these": held, "those": reached}
        verdicts.fault("does-not-learn.other-weights", at=trace.maker(steps[0]), proof=seen)
    else:
        proof = {"ran": f"{len(steps)} steps", "times": sum(len(step.passes) for step in steps)}
        verdicts.fault("does-not-learn.no-gradient", at=steps[0], proof=proof)


def _check_cleared(steps: list[Step], verdicts: Verdicts) -> None:
    """A step uses the gradients of passes that no step before has used."""
    if stale := next((step for step in steps if step.stale), None):
        seen = {"these": stale.passes, "those": stale.stale}
        verdicts.fault("gradients-not-cleared.stale", at=stale, proof=seen)
    elif (used := sum(bool(step.passes) for step in steps)) > 1:
        verdicts.right("cleared", proof={"steps": used, "stale": 0})
    else:
        verdicts.not_seen("one-step")


def _check_clipping(steps: list[Step], trace: Trace, verdicts: Verdicts) -> None:
    """Where gradients are clipped, it comes after backward and before the step."""
    clips = trace.all(Clip)
    if effective := [clip for clip in clips if clip.fresh and clip.kept]:
        proof: dict[str, Any] = {"clips": [[clip.fresh, clip.kept] for clip in effective]}
        verdicts.right("clipped", proof=proof)
    elif clips:
        clip = clips[-1]
        before = trace.between(-1, clip.index, Backward, Step, Batch)
        late = bool(before) and isinstance(before[-1], Step)
        when = "late" if late else "early"
        why = "nothing" if not clip.parameters else when if clip.kept else "copies"
        proof = {"clips": [[c.fresh, c.kept] for c in clips]}
        verdicts.fault(f"clipping-without-effect.{why}", at=clip, proof=proof, name=clip.name)
