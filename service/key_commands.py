"""The commands `citewell keys add`, `list` and `revoke`: who may change things over HTTP."""

from collections.abc import Callable
from typing import Annotated

import typer

from service.console import print_json, say, settings_with, stderr, stdout
from service.keys import Role, add_key, read_keys, revoke_key

Command = Callable[..., None]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Name = Annotated[str, typer.Argument(help="What the key is called in lists and logs.")]


def register(app: typer.Typer, *, fixable: Callable[[Command], Command]) -> None:
    """Give an application these commands."""
    keys = typer.Typer(
        name="keys",
        no_args_is_help=True,
        help="Make, list and revoke the keys that change things over HTTP.\n\nExample: citewell keys add editor",
    )

    @keys.command()
    @fixable
    def add(
        name: Name,
        role: Annotated[Role, typer.Option(help="A reader's key opens no admin route.")] = "admin",
        *,
        as_json: AsJson = False,
    ) -> None:
        """Make a key and print it, once: only its hash is kept.

        Example: citewell keys add editor
        """
        key = add_key(settings_with().keys_file, name=name, role=role)
        if as_json:
            print_json({"name": name, "role": role, "key": key})
            return
        stderr().print(
            "Keep it now; it cannot be shown again. A running service takes it at once.", style="yellow"
        )
        stdout().print(key, markup=False, highlight=False, soft_wrap=True)

    @keys.command("list")
    @fixable
    def list_keys(*, as_json: AsJson = False) -> None:
        """List the keys by name, never the keys themselves.

        Example: citewell keys list
        """
        known = read_keys(settings_with().keys_file)
        facts = [{"name": each.name, "role": each.role, "created_at": each.created_at} for each in known]
        lines = [f"{each.name:<20} {each.role:<7} {each.created_at}" for each in known]
        say("\n".join(lines) or "There are no keys.", {"keys": facts}, as_json=as_json)

    @keys.command()
    @fixable
    def revoke(name: Name, *, as_json: AsJson = False) -> None:
        """Make a key worthless, at once and for ever.

        Example: citewell keys revoke editor
        """
        gone = revoke_key(settings_with().keys_file, name=name)
        say(f"Revoked {gone.name}.", {"revoked": gone.name}, as_json=as_json)

    app.add_typer(keys)
