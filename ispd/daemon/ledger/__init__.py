"""The memory of ispd: which photos were seen, what shall be done with them, what was delivered.

`Ledger` (ledger.py) is what the daemon opens; `Reading` (reading.py) is what everybody else may look through.
"""
