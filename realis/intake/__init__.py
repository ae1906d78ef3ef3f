"""Where incidents come in from outside: one module per source, and the policy that turns them into drafts."""
