"""What `make bench` runs.  Figures are ratios to a peer measured alternately: the machine's load then hits both."""
