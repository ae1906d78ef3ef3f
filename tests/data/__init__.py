"""Messages written for the tests."""
