"""The bundle on one machine: no account, no container, durable."""
