"""Web push (RFC 8030, 8188, 8291, 8292). Imports nothing: the worker process must not load the channel."""
