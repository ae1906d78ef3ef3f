"""The ledger of dispatches in SQL: planning, claims, outcomes, statistics."""
