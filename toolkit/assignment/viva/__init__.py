"""Five questions about somebody's own lines, whose answers come from running their code."""
