"""The files that platforms export and import: archive names, rosters, grades and feedback."""
