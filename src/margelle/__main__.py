"""`python -m margelle` is the same as `margelle`."""

from margelle.cli import main

if __name__ == "__main__":
    main()
