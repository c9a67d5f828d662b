"""`python -m hourglass`"""

from hourglass.cli.entry import main

if __name__ == "__main__":
    main()
