"""Functions that read the files, notebooks, archive and records of a hand-in; no code is run."""
