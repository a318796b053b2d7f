"""Grade a folder of archives."""
