"""Pure decisions: approval, audience, priority, retry, circuit breaker. Input in, decision out."""
