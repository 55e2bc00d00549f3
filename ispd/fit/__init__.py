"""Learning a look: from raws and reference pictures to a profile that holds on photos it has not seen."""
