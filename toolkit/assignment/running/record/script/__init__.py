"""Runs a student's script, and records what happens during the run; this record is called the
trace.

`Script.run()` returns the data that `toolkit.assignment.judging.train.trace` reads. The classes in
the module `trace` document the fields of all events, values and networks. Each tensor has an id,
which is the same wherever the tensor appears. A place is a pair of a file and a line. The data also
contains:

    ended       "finished", "enough" (stopped after many steps, or recorded only in part because it
                was long), "slow" (stopped by the time it took while steps went on), "error",
                "exit" (sys.exit), "network" (it needs the internet, or a file that is missing), or
                "nothing" (it trained nothing)
    error       the exception of the script, as in `answering.described`, or None
    lacking     the exception for a missing folder, which was then made, or None
    unloaded    the exception for missing weights, which a stand-in then replaced, or None
    passed      the first exception after which the script went on with its next statement, or None
    others      scripts that ran afterwards: file, ended, error
    normalised  places where transforms that normalise were made
    ran         the student's files that ran
    noise       the last tensors that were made from no other tensor, if the run is brisk
    entered     places of the student's functions that were called
    cpu         CPU seconds that the process has used so far
    numbers     the options of the command whose defaults are whole numbers, with these defaults
    unfinished  places of a `pass` that is the whole body of a function or a loop
"""
