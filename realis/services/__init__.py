"""Use cases under every interface: authoring, approval, issuing, active alerts, rendering."""
