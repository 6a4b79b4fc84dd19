"""Tables and figures of speed, from the rows that `perf` leaves."""
