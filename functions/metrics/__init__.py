"""Points in, live answers out."""
