"""Runs a student's script as they would, and records what really happened: the trace.

`Script.run()` returns what the judge gets:

    ended       "finished", "enough" (stopped after many steps), "slow" (stopped by the time it took
                while steps went on), "error", "exit" (sys.exit), "network" (it needs the internet,
                or a file that is not there), or "nothing" (trained nothing)
    error       what it raised, as in `answering.described`, or None
    networks    of every network that was called, or whose parameters were moved:
                id, class, file and line (of the class; None if it is torch's own), forward_line,
                parameters (their ids), names (their names), classes (names of the classes of all
                modules in it and of what these derive from), training (at the end), and the places
                (file and line) of making: made (outside of its class), made_last (its last layer),
                made_parameters
    normalised  places where transforms that normalise were made
    events      in the order in which they happened, each with kind, file and line:
      call        network (id), how ("__call__" or "forward"), training, grad (whether gradients
                  were recorded), inputs and outputs (lists of values). Only the outermost call
      loss        name (of torch's function), input and target (values or None), reduction, made
                  (file and line where the object was made that was called, or None), outer (file
                  and line where the lambda was called that this is in, or None)
      optimiser   made: optimiser (id)
      backward    value (that it started from), parameters (ids of those that it reached, including
                  those that only pass on), changed (ids of those whose .grad it changed), gradients
                  (pairs of a call's index and a tensor (batch,): the gradient with respect to its
                  first output, summed over all axes but the first), losses (indices of the loss
                  events that it passes), whole (whether its calls and losses were recorded: they
                  are not beyond some thousands), error (text, or None)
      clear       parameters (ids): their gradients were cleared since the last event that looked
      clip        name, fresh (whether it came after a backward pass whose gradients no step has
                  used), kept (whether the next step used what it returned; True if it works in
                  place), parameters (ids whose gradients it was given)
      step        optimiser (id; None if the parameters were moved by hand), class, classes (that it
                  derives from), lr, maximize, parameters (ids), passes (indices of the backward
                  events whose sum its gradients are), stale (those of them that an earlier step has
                  used), given (whether there were gradients at all), moved (ids); of a step
                  by hand rules (how the gradients have moved them: `values.rule_of_move`)
      load        a DataLoader was made: load (id), dataset (id), class (of the data set), size,
                  batch_size, stream (whether it has no end), whole (as of a pass), sampled
                  (whether a sampler of its own chooses among the items)
      batch       a DataLoader gave a batch: load (id), values
      mode        train() or eval() was called on a network: network (id), training
      device      to() or cuda() was called on a network: parameters (ids)
      folder      a folder that was missing and had to be made: folder
      stand_in    a package was replaced: name
      save        pictures saved or shown: name (of the function), value (or None)
      gpu         a GPU was asked for: name, device (place where one was named first, or None)
      softmax     softmax or log_softmax was called: name, output (id of the value)
      recurrent   torch's own recurrent layer was called: name
    ran         the files of theirs that did
    discarded   places (file and line) where something is computed from a gradient and not kept
    unfinished  places of `pass` that is all there is in a function or a loop
    moves       places where parameters are moved by hand, in the order in which they were
    called      names of functions that were called because nothing trained when the script ran
    callers     other files of theirs that name this one
    functions   defined in the script: name, file, line

A value is a tensor: id (the same tensor has the same id), shape, made and drawn (places of the call
that returned it, and of the one that made its numbers of nothing), min, max, mean, std, values (the
tensor; None if it is large or is known through `from`), from (index of the last call or batch event
that gave exactly these numbers, in whatever shape), rows_from (pairs of such an index and a tensor
(batch,): which rows are in it; empty if `from` is given), networks (ids of those whose parameters
its graph reaches).
"""
