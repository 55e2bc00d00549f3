"""Color maths: spaces, transfer functions, gamut, difference."""
