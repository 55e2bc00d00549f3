"""Untrusted bytes to a mosaic and its shot, in a locked cell. The only place that imports a raw library."""
