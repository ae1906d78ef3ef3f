"""Protocols between the core and the outside, and the frozen data that crosses them. No implementation."""
