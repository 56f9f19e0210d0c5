"""Words to one call of the daemon to an exit code.

Nothing heavy is imported here, and the rest only by the command that needs it: `devenv status`
answers in a tenth of a second.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from devenv import __version__
from devenv.cli import render
from devenv.cli.client import call, caller_environment
from devenv.cli.parameters import JSON, UNIT
from devenv.cli.replace import replace_process
from devenv.errors import DevenvError, ExitCode

SHELLS = ("bash", "fish", "zsh")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="devenv", message="%(prog)s %(version)s")
def cli() -> None:
    """Bring up everything that a checkout needs, as it is in production.

    \b
    devenv up          start everything, show the logs until Ctrl-C
    devenv up -d       start everything and return
    devenv status      what runs, and whether it is ready
    devenv why NAME    what holds NAME up
    devenv down        stop everything
    """  # noqa: D301 (click's mark for lines that stay as they are is a backspace)


@cli.command(short_help="Start NAMES with what they need, or everything.")
@click.argument("names", nargs=-1, type=UNIT)
@click.option("-d", "--detach", is_flag=True, help="Return when all is ready.")
@click.option("--dry-run", is_flag=True, help="Print what would be done and change nothing.")
@JSON
def up(names: tuple[str, ...], *, detach: bool, dry_run: bool, as_json: bool) -> int:
    """Start NAMES with what they need, or everything; Ctrl-C stops what this started."""
    if dry_run:
        actions = call("plan", names=list(names), environ=caller_environment())
        if as_json:
            render.out_json(actions)
        else:
            for line in render.plan_lines(actions):
                render.out(line)
        return ExitCode.DONE
    if as_json and not detach:
        raise click.UsageError("--json goes with --detach or --dry-run")
    from devenv.cli import lifecycle  # noqa: PLC0415 (only this command pays for it)

    return lifecycle.up(names, detach=detach, as_json=as_json)


@cli.command()
def down() -> int:
    """Stop everything of this checkout; data stay."""
    from devenv.cli import lifecycle  # noqa: PLC0415

    return lifecycle.down()


@cli.command()
@click.argument("names", nargs=-1, required=True, type=UNIT)
def start(names: tuple[str, ...]) -> int:
    """Start NAMES with what they need."""
    from devenv.cli import lifecycle  # noqa: PLC0415

    return lifecycle.act("start", names)


@cli.command()
@click.argument("names", nargs=-1, required=True, type=UNIT)
def stop(names: tuple[str, ...]) -> int:
    """Stop NAMES and nothing else."""
    from devenv.cli import lifecycle  # noqa: PLC0415

    return lifecycle.act("stop", names)


@cli.command()
@click.argument("names", nargs=-1, required=True, type=UNIT)
def restart(names: tuple[str, ...]) -> int:
    """Stop and start NAMES; a set-up step is done anew."""
    from devenv.cli import lifecycle  # noqa: PLC0415

    return lifecycle.act("restart", names)


@cli.command()
@JSON
def status(*, as_json: bool) -> int:
    """Show what runs, and whether it is ready."""
    view = call("status", environ=caller_environment())
    if as_json:
        render.out_json(view)
    else:
        for line in render.status_table(view):
            render.out(line)
    return ExitCode.DONE


@cli.command()
@JSON
def urls(*, as_json: bool) -> int:
    """Print the URL of each route."""
    items = call("urls", environ=caller_environment())
    if as_json:
        render.out_json(items)
    else:
        for line in render.urls_table(items):
            render.out(line)
    return ExitCode.DONE


@cli.command(short_help="Explain why NAME is not ready.")
@click.argument("name", type=UNIT)
@JSON
def why(name: str, *, as_json: bool) -> int:
    """Explain why NAME is not ready: what holds it up, and the end of that one's log."""
    view = call("why", name=name, environ=caller_environment())
    if as_json:
        render.out_json(view)
        return ExitCode.DONE
    for depth, unit in enumerate(view["chain"]):
        indent = "  " * depth
        shape = render.mark(unit, sys.stdout)
        reason = "" if unit["ready"] else f": {unit['explanation']}"
        render.out(f"{indent}{shape} {unit['name']} ({render.word(unit)}){reason}")
    for line in view["log"]:
        render.out(f"    {render.printable(line, sys.stdout)}")
    return ExitCode.DONE


@cli.command()
@click.argument("names", nargs=-1, type=UNIT)
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("-n", "--tail", default=100, show_default=True, help="Lines of each unit.")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was printed (UTC).")
@JSON
def logs(
    names: tuple[str, ...], *, follow: bool, tail: int, timestamps: bool, as_json: bool
) -> int:
    """Show the logs of NAMES, or of everything, merged."""
    from devenv.cli import logs as shown  # noqa: PLC0415

    printer = shown.LogPrinter(as_json=as_json, times=timestamps)
    shown.follow(names, tail=max(tail, 0), keep_on=follow, printer=printer)
    return ExitCode.DONE


PASS_THROUGH = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@cli.command("exec", context_settings=PASS_THROUGH, short_help="Run COMMAND as NAME would.")
@click.argument("name", type=UNIT)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(name: str, command: tuple[str, ...]) -> int:
    """Run COMMAND in NAME's folder with NAME's variables: devenv exec web -- env."""
    return replace_process(name, command)


@cli.command(context_settings=PASS_THROUGH, short_help="Run COMMAND with the variables.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> int:
    """Run COMMAND with the environment's variables: devenv run -- python manage.py shell."""
    return replace_process("", command)


@cli.command(short_help="Connect this terminal to NAME; Ctrl-] detaches.")
@click.argument("name", type=UNIT)
def attach(name: str) -> int:
    """Connect this terminal to NAME, for a debugger's prompt; Ctrl-] detaches."""
    from devenv.cli import terminal  # noqa: PLC0415

    return terminal.attach(Path(call("attach", name=name)["socket"]), name)


@cli.command(short_help="Run the daemon in the foreground, with port 443.")
@click.option("--port", type=click.IntRange(1, 65535), default=443, show_default=True)
def serve(port: int) -> int:
    """Run the daemon in the foreground with the edge on port 443; only the bind is privileged."""
    from devenv.cli import serve as serving  # noqa: PLC0415

    return serving.serve(port)


@cli.group()
def config() -> None:
    """Check and show `devenv.yml`."""


@config.command("check")
def config_check() -> int:
    """Report every mistake in `devenv.yml`."""
    view = call("config-check", environ=caller_environment())
    render.say(f"`{view['path']}` is valid")
    return ExitCode.DONE


@config.command("show", short_help="Print the configuration, defaults filled in.")
@JSON
def config_show(*, as_json: bool) -> int:
    """Print the configuration with defaults filled in and secrets hidden."""
    view = call("config-show", environ=caller_environment())
    if as_json:
        render.out_json(view["data"])
    else:
        render.out(view["text"].rstrip("\n"))
    return ExitCode.DONE


@config.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of `devenv.yml`, for editors."""
    render.out_json(call("config-schema"))
    return ExitCode.DONE


@cli.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script of SHELL: bash, fish or zsh."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    assert kind is not None
    render.out(kind(cli, {}, "devenv", "_DEVENV_COMPLETE").source())
    return ExitCode.DONE


@cli.command()
def version() -> int:
    """Print the version."""
    render.out(f"devenv {__version__}")
    return ExitCode.DONE


def _open_missing_streams() -> None:
    """Give a command whose caller closed its standard streams ones that go nowhere."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+" if name == "stdin" else "w"))  # noqa: SIM115


def main() -> None:
    """Run the command line; the exit codes are those of `devenv.errors`."""
    _open_missing_streams()
    try:
        result = cli.main(prog_name="devenv", standalone_mode=False)
        code = int(result) if isinstance(result, int) else int(ExitCode.DONE)
    except click.exceptions.NoArgsIsHelpError as problem:
        render.say(problem.format_message())
        code = int(ExitCode.USAGE)
    except click.ClickException as problem:
        render.error(_usage_error(problem), as_json="--json" in sys.argv)
        code = problem.exit_code
    except DevenvError as problem:
        render.error(problem, as_json="--json" in sys.argv)
        code = int(problem.exit_code)
    except PermissionError as problem:
        render.error(_forbidden(problem), as_json="--json" in sys.argv)
        code = int(ExitCode.FAILED)
    except (KeyboardInterrupt, click.Abort):
        code = int(ExitCode.INTERRUPTED)
    except render.ReaderGoneError:
        # what is still in the buffer must not fail again when it is flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = int(ExitCode.DONE)
    sys.exit(code)


def _usage_error(problem: click.ClickException) -> DevenvError:
    """Return click's error in our own form."""
    message = " ".join(problem.format_message().split()).rstrip(".")
    context = problem.ctx if isinstance(problem, click.UsageError) else None
    command = "devenv" if context is None else context.command_path
    return DevenvError(
        message[:1].lower() + message[1:], hint=f"{command} --help", code="usage.invalid"
    )


def _forbidden(problem: PermissionError) -> DevenvError:
    """Return what to do where a file or a socket of ours belongs to somebody else."""
    return DevenvError(
        f"cannot use `{problem.filename or 'the socket of the daemon'}`: {problem.strerror}",
        hint="check whose it is: a command typed with sudo once may have made it",
        code="file.forbidden",
    )
