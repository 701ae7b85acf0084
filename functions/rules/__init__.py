"""Alert rules: making and changing them, silencing and trying them."""
