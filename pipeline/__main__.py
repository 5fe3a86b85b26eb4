"""`python -m pipeline`: runs the command line, and turns what goes wrong into one line and an exit code."""

import sys
import traceback

import click

from pipeline.cli import cli
from pipeline.errors import Interrupted, PipelineError
from pipeline.interruption import interruption


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code of `errors.py`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with interruption.heard():
            sys.exit(cli.main(arguments, prog_name="pipeline", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        sys.exit(interruption.exit_code)
    except MemoryError:
        if "--debug" in arguments:
            traceback.print_exc()
        print("Error: this machine has not enough memory: try a smaller network or --batch-size", file=sys.stderr)
        sys.exit(PipelineError.exit_code)
    except PipelineError as error:
        if "--debug" in arguments:
            traceback.print_exc()
        else:
            print(error if isinstance(error, Interrupted) else f"Error: {error}", file=sys.stderr)
        sys.exit(interruption.exit_code if isinstance(error, Interrupted) else error.exit_code)


if __name__ == "__main__":
    main()
