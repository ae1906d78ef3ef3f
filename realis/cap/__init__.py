"""CAP 1.2 XML in and out: tolerant reading, strict writing, semantic rules, signatures. No clock, no network."""
