"""The sandbox, in which untrusted programs run isolated, supervised and within limits."""
