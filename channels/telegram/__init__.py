"""Telegram: a public channel, edited and answered through the Bot API."""
