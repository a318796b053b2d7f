"""The gate microscope: watch an LSTM remember digits, and let a classifier read a drawn digit."""
