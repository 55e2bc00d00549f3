"""How well a learned look holds on photos it has not seen, beside other ways to learn it from the same pairs."""
