"""Bundles: a run in one archive that anybody can open, and check against itself without trusting who made it."""
