"""`python -m ispd` is the command `ispd`: what the units start, wherever the virtual environment lies."""

import sys

from ispd.cli.main import main

sys.exit(main())
