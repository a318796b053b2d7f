"""Reading of a hand-in's files, notebooks, archive and records, without running any code."""
