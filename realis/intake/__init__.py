"""The intake of messages from authorities: one module per source, and the mapping to drafts."""
