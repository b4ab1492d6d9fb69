"""`python -m harness` is the command `warpsmith`, where it is not installed."""

from harness.commands import main

if __name__ == "__main__":
    main()
