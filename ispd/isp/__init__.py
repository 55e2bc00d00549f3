"""The ISP: pure functions from mosaic to picture; no file, clock, log, or choice of device."""
