"""The worker: plans batches and sends them. Knows no channel and no database, only their ports."""
