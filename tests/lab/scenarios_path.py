"""scenarios_path.py - more ways in which a path goes wrong: see scenarios.py."""
