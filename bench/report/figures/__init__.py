"""Figures of a run, each a function of what it shows; matplotlib objects, never pyplot."""
