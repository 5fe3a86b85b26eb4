"""`python -m pipeline`: runs the command line, and turns what goes wrong into one line and an exit code."""

import sys

import click

from pipeline.cli import cli
from pipeline.errors import PipelineError

INTERRUPTED = 130  # what shells answer for Ctrl-C


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code of `errors.py`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        sys.exit(cli.main(arguments, prog_name="pipeline", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        print(str(error) or "interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except PipelineError as error:
        if "--debug" in arguments:
            raise
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
