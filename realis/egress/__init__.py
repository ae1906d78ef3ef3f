"""The one guarded way out to addresses named by strangers or settings."""
