"""What the README quotes: each figure beside a reference that ran in the same process."""
