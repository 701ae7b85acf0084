"""The seam to the outside: small protocols and the plain values they exchange."""
