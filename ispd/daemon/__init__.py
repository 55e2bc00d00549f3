"""What `ispd run` is: watch, settle, keep the ledger, supervise engines, publish."""
