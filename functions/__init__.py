"""One file per function; they import ``wedsync``, never each other."""
