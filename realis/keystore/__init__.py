"""Keys on disk, and the signing and encryption with them."""
