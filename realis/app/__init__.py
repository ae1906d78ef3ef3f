"""The composition root: settings, log, the channel registry and the wiring. Decides nothing about warnings."""
