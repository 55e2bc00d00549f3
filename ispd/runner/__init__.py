"""How the stages run: strips, threads, devices. Never what they compute."""
