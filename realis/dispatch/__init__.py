"""The worker: plans batches and sends them, over the ports of channels and database only."""
