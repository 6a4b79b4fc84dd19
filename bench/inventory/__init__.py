"""What this machine has: everything that `doctor` looks at, a finding each, and the weights with their state.

Whatever native code a check touches is tried in a process of its own, so that a library that crashes or hangs becomes
a finding and takes nothing with it.
"""
