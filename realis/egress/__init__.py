"""The only guarded HTTP client for addresses from subscriptions or settings."""
