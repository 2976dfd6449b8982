"""What makes a model fast on the machine at hand, and the proof at load that its pictures stay the same."""
