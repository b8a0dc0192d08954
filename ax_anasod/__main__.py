"""``python -m ax_anasod``: the command line ``ax-anasod`` where scripts are not on the path."""

from ax_anasod.cli import main

if __name__ == "__main__":
    main()
