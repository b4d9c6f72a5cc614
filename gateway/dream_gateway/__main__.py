"""`python -m dream_gateway` is the command `dream-gateway`."""

from dream_gateway.cli import main

if __name__ == "__main__":
    main()
