"""Runs a student's script as they would, and records what really happened: the trace.

`Script.run()` returns what `toolkit.assignment.judging.train.trace` reads, with all events, values
and networks as they are described there. A tensor has the same id wherever it appears; a place is a
file and a line. Beside the events there are:

    ended       "finished", "enough" (stopped after many steps), "slow" (stopped by the time it took
                while steps went on), "error", "exit" (sys.exit), "network" (it needs the internet,
                or a file that is not there), or "nothing" (trained nothing)
    error       what it raised, as in `answering.described`, or None
    lacking     what it raised for want of a folder, which was made then, or None
    unloaded    what it raised because weights are missing, or None; a stand-in replaced them
    others      scripts that ran after it: file, ended, error
    normalised  places where transforms that normalise were made
    ran         the files of theirs that did
    noise       tensors that were made of nothing, the last ones, if the run is brisk
    entered     places of the functions of theirs that were called
    unfinished  places of `pass` that is all there is in a function or a loop
"""
