"""One file a stage, one idea a file; isp.render calls them in physical order."""
