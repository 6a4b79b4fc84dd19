"""Rows, estimates and curves of a run as pandas frames, which every figure is drawn from and notebooks start with."""
