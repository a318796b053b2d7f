"""Judges the optimiser steps, which should be RMSProp steps on the model's parameters with fresh
gradients.
"""

from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.train.player import (
    Player,
    check_moves,
    parameters_of,
    reached_by,
    should_step,
)
from toolkit.assignment.judging.train.trace import Backward, Batch, Clip, Loss, Step, Trace

RATES = (1e-6, 0.2)  # learning rates of RMSProp that may work
SHOWN = 20  # steps in a proof
NORM_CLIPS = {"clip_grad_norm_", "clip_grad_norm"}


def check_steps(trace: Trace, verdicts: Verdicts) -> None:
    """Judge the optimiser steps of the run."""
    steps = trace.all(Step)
    if not steps:
        _check_missing_step(trace, verdicts)
        return
    _check_optimiser(steps, trace, verdicts)
    if not any(step.passes for step in steps):
        _check_no_gradient(steps, trace, verdicts)
        return
    model = _model(steps, trace)
    check_moves(model, trace, verdicts)
    if not model.moved:
        return
    rate = steps[0].lr
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        proof = claims.train.rate_is_out_of_range(rate)
        verdicts.fault("does-not-learn.rate", at=trace.maker(steps[0]), proof=proof)
    _check_cleared(steps, verdicts)
    _check_clipping(steps, trace, verdicts)


def _check_missing_step(trace: Trace, verdicts: Verdicts) -> None:
    """Report a training run that begins but makes no optimiser step."""
    passes = trace.all(Backward)
    begun = [*passes, *trace.all(Loss)]
    if begun and not verdicts.faults and should_step(trace, passes):
        proof = claims.shared.never_happened(ran=trace.ended, times=0)
        verdicts.fault("does-not-learn.no-step", at=begun[0], proof=proof)


def _model(steps: list[Step], trace: Trace) -> Player:
    """Return a single `Player` that combines all trained networks: those with at least one
    parameter that belongs to an optimiser, or that a step without an optimiser changed.
    """
    held = parameters_of(steps)
    names: dict[int, str] = {}
    for network in trace.networks.values():
        if held & network.parameters.keys():
            names |= network.parameters
    return Player("model", names, steps, "does-not-learn")


def _check_optimiser(steps: list[Step], trace: Trace, verdicts: Verdicts) -> None:
    """Judge the optimiser, which should be RMSProp."""
    step = next((step for step in steps if "RMSprop" in step.classes), steps[0])
    if not step.classes:
        verdicts.not_seen("by-hand-optimiser", at=step)
        return
    kind = step.classes[0]
    indices = [event.index for event in steps[:SHOWN]]
    made = [note.index for note in trace.notes("optimiser") if note.index < indices[-1]]
    is_new = claims.train.optimiser_is_always_new.holds(indices, made)
    if "RMSprop" in step.classes and is_new and _move_the_same(steps):
        proof = claims.train.optimiser_is_always_new(indices, made)
        verdicts.fault("wrong-optimiser.new", at=trace.maker(step), proof=proof, kind=kind)
    elif "RMSprop" in step.classes:
        verdicts.right("optimiser", proof=claims.train.is_rmsprop(step.classes))
    elif "rms" in kind.lower():
        verdicts.not_seen("almost-rmsprop", at=step, kind=kind)
    else:
        proof = claims.shared.none_is_among(items=["RMSprop"], among=step.classes)
        verdicts.fault("wrong-optimiser.other", at=trace.maker(step), proof=proof, kind=kind)


def _move_the_same(steps: list[Step]) -> bool:
    """True if at least one parameter is held by the optimiser of every step."""
    common = set(steps[0].parameters)
    for step in steps:
        common &= step.parameters
    return bool(common)


def _check_no_gradient(steps: list[Step], trace: Trace, verdicts: Verdicts) -> None:
    """Report that no optimiser step used a gradient from a backward pass."""
    for step in steps:
        if step.given:
            verdicts.not_seen("by-hand-gradients", at=step)
            return
    reached = reached_by(trace.all(Backward))
    held = parameters_of(steps)
    if reached and not reached & held:
        proof = claims.shared.none_is_among(items=held, among=reached)
        verdicts.fault("does-not-learn.other-weights", at=trace.maker(steps[0]), proof=proof)
    else:
        num_passes = sum(len(step.passes) for step in steps)
        proof = claims.shared.never_happened(ran=f"{len(steps)} steps", times=num_passes)
        verdicts.fault("does-not-learn.no-gradient", at=steps[0], proof=proof)


def _check_cleared(steps: list[Step], verdicts: Verdicts) -> None:
    """Report the first step that uses gradients which an earlier step has already used."""
    for step in steps:
        if step.stale:
            proof = claims.shared.some_are_among(items=step.passes, among=step.stale)
            verdicts.fault("gradients-not-cleared.stale", at=step, proof=proof)
            return
    num_steps = sum(bool(step.passes) for step in steps)
    if num_steps > 1:
        proof = claims.train.gradients_are_cleared(num_steps, stale=0)
        verdicts.right("cleared", proof=proof)
    else:
        verdicts.not_seen("one-step")


def _check_clipping(steps: list[Step], trace: Trace, verdicts: Verdicts) -> None:
    """Judge the gradient clipping, which should come between the backward pass and the step."""
    clips = trace.all(Clip)
    if not clips:
        return
    effective = [clip for clip in clips if clip.fresh and clip.kept]
    if effective:
        rule = "clipped-separately" if _are_separate(effective) else "clipped"
        verdicts.right(rule, proof=claims.train.a_clip_is_used(_as_pairs(effective)))
        return
    last = clips[-1]
    reason = _reason(last, trace)
    proof = claims.train.no_clip_is_used(_as_pairs(clips))
    verdicts.fault(f"clipping-without-effect.{reason}", at=last, proof=proof, name=last.name)


def _reason(clip: Clip, trace: Trace) -> str:
    """Return the reason why gradient clipping has no effect, as one word such as "late"; the word
    also selects the message to report.
    """
    if not clip.parameters:
        return "nothing"
    if not clip.kept:
        return "copies"
    before = trace.between(-1, clip.index, Backward, Step, Batch)
    follows_step = bool(before) and isinstance(before[-1], Step)
    return "late" if follows_step else "early"


def _are_separate(clips: list[Clip]) -> bool:
    """Return True if each call clips the gradient norm of a single parameter, and not all calls
    clip the same parameter.
    """
    separate = all(clip.name in NORM_CLIPS and len(clip.parameters) == 1 for clip in clips)
    return separate and len({clip.parameters for clip in clips}) > 1


def _as_pairs(clips: list[Clip]) -> list[list[bool]]:
    return [[clip.fresh, clip.kept] for clip in clips]
