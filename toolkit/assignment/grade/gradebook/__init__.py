"""Archive names, rosters, grades and feedback in the formats of platforms such as Moodle."""
