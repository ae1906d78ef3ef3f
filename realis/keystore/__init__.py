"""Keys on disk and what is signed or sealed with them."""
