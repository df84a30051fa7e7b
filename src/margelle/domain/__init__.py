"""Water, probes and measurements: pure, with no clock and no input or output."""
