"""Use cases under every face: authoring, issuing, active alerts, rendering."""
