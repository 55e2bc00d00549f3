"""The simulated camera: a picture goes in, a real DNG comes out."""
