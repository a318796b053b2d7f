"""The sandbox, which isolates, limits and supervises untrusted programs."""
