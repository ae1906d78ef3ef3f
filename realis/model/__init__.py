"""Pure data: alert, area, incident, draft, delivery states, errors. No clock, files, network or framework."""
