"""tinynet side by side with other libraries: the same inputs and weights, turn by turn. ``python -m benchmarks``."""
