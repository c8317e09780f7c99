"""The verbs of `registrar`: arguments only."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from bot import event_loop
from bot.errors import RegistrarError
from bot.settings import Settings

ENVIRONMENTS: Final = click.Choice(["any", "production", "staging", "development"])
MODES: Final = click.Choice(["audit", "warn", "enforce"])
ENVIRONMENT: Final = click.option(
    "--environment",
    type=ENVIRONMENTS,
    default="any",
    help="Only registries marked with it, or with any.",
)
WORKSPACE: Final = click.option(
    "--workspace", default="", help="Slack team id; needed when there are several."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Registrar keeps an organisation's container registries and proves their credentials."""


@main.command()
def run() -> None:
    """Everything in one process: Slack, the web server and the clock's tasks."""
    _serve(listen=True, work=True)


@main.command()
def web() -> None:
    """Answer Slack; the clock's tasks run in `registrar worker`."""
    _serve(listen=True, work=False)


@main.command()
def worker() -> None:
    """Run the clock's tasks; Slack is answered by `registrar web`."""
    _serve(listen=False, work=True)


@main.command()
@click.option("--port", default=8080, envvar="PORT", show_default=True, help="0 takes a free one.")
@click.option("--live", is_flag=True, help="Check real registries instead of the practice ones.")
def sandbox(port: int, *, live: bool) -> None:
    """The bot against a local Slack in the browser, with practice registries.

    Everything it keeps is gone when it stops.
    """
    from bot.bootstrap import bootstrap
    from bot.logs import configure_logs
    from bot.sandbox.run import open_sandbox
    from bot.tools import Surroundings

    async def serve(stop: asyncio.Event) -> None:
        configure_logs("WARNING")
        async with open_sandbox(port=port, live=live, environment=os.environ) as box:
            around = Surroundings(
                box.clock,
                box.resolver,
                box.ca_file,
                box.aws_endpoint,
                post_seconds=0.0,
                variables=box.variables,
            )
            async with bootstrap(Settings.from_environment(box.environment), around) as bot:
                box.attach(bot.metronome.beat_all, bot.deps, stop)
                line = f"Registrar's sandbox: {box.url}   (Ctrl-C stops it)"
                await bot.run(stop, running=lambda: click.echo(line))

    _run(_until_signal(serve))


@main.command()
def migrate() -> None:
    """Bring the database's tables up to date."""
    from bot.store.migrate import migrate as migrate_database

    async def work() -> None:
        await migrate_database(Settings.from_environment().database_url)

    _run(work())


@main.group()
def keys() -> None:
    """The keys that encrypt stored credentials."""


@keys.command("new")
def new_key() -> None:
    """Print a new key for ENCRYPTION_KEYS; it is stored nowhere.

    Put it in front of the old ones, with a comma between: it encrypts, they still decrypt.
    """
    from bot.store.cipher import Keyring

    click.echo(Keyring.generate_text(f"k{datetime.now(UTC):%Y%m%d%H%M%S}"))


@main.group()
def manifest() -> None:
    """Files that other systems want to be told by."""


@manifest.command("slack")
@click.option("--http", "over_http", is_flag=True, help="For HTTP; PUBLIC_URL says where.")
def slack_manifest(*, over_http: bool) -> None:
    """Print the Slack app manifest (JSON), for Socket Mode unless --http is given."""
    from bot.slack.manifest import manifest as app_manifest

    def work() -> None:
        settings = Settings.from_environment()
        if over_http and not settings.public_url.startswith("https://"):
            raise click.UsageError("Set PUBLIC_URL to the https:// address Slack shall call.")
        url = settings.public_url if over_http else None
        click.echo(json.dumps(app_manifest(settings.slack_command, url), indent=2))

    _guard(work)


@manifest.command("kubernetes")
@click.option("--cluster", default="", help="Its name; not needed while there is one.")
@click.option("--namespace", default="registrar", show_default=True, help="For Registrar's own.")
@click.option("--pull-into", multiple=True, help="A namespace that gets a pull secret; repeatable.")
@click.option("--image", default="", help="An image with `registrar` in it, for the inventory.")
@click.option("--fail", is_flag=True, help="Deploy nothing while Registrar cannot be reached.")
@click.option(
    "--ca",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Certificate authorities (PEM) that vouch for PUBLIC_URL.",
)
@WORKSPACE
def kubernetes_manifest(
    *,
    cluster: str,
    namespace: str,
    pull_into: tuple[str, ...],
    image: str,
    fail: bool,
    ca: Path | None,
    workspace: str,
) -> None:
    """Print what a cluster needs (YAML): policy, webhook, pull secrets, inventory.

    PUBLIC_URL says where the cluster reaches Registrar. The cluster's token is not in it; how to
    put it there is said in a comment.
    """
    from bot.terminal_manifest import Wanted, print_kubernetes

    wanted = Wanted(cluster, namespace, pull_into, image, fail, ca)
    _quietly(print_kubernetes(wanted, workspace))


@main.command("test")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every registry of the workspace.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
@WORKSPACE
def test_registries(
    names: tuple[str, ...], *, everything: bool, as_json: bool, workspace: str
) -> None:
    """Check stored registries now; exit 0 all proven, 1 some not, 2 could not ask."""
    from bot.terminal import test_from_terminal

    if bool(names) == everything:
        raise click.UsageError("Name the registries to test, or give --all.")
    sys.exit(_quietly(test_from_terminal(names, as_json=as_json, workspace=workspace)))


@main.command()
@click.argument("images", nargs=-1)
@click.option(
    "--file",
    "files",
    multiple=True,
    help="Kubernetes objects, a Compose file or Helm's output; - is standard input.",
)
@click.option("--json", "form", flag_value="json", help="One JSON document.")
@click.option("--github", "form", flag_value="github", help="Annotations for GitHub Actions.")
@click.option("--junit", "form", flag_value="junit", help="A JUnit report.")
@ENVIRONMENT
@WORKSPACE
def check(
    images: tuple[str, ...],
    *,
    files: tuple[str, ...],
    form: str | None,
    environment: str,
    workspace: str,
) -> None:
    """May these images be deployed; exit 0 all, 1 some not, 2 could not tell.

    A file that cannot be read, and files in which no image is found, exit with 2.
    """
    from bot.terminal_check import check_images

    if not images and not files:
        raise click.UsageError("Name the images to check, or give --file.")
    work = check_images(
        images, files, form=form or "people", environment=environment, workspace=workspace
    )
    sys.exit(_quietly(work))


@main.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["vap", "kyverno"]),
    default="vap",
    show_default=True,
    help="A ValidatingAdmissionPolicy with its binding, or Kyverno's ValidatingPolicy.",
)
@click.option(
    "--mode",
    type=MODES,
    help="Note what is not covered, tell who deploys it, or refuse it; audit if not given.",
)
@ENVIRONMENT
@click.option("--cluster", default="", help="As strict as this cluster and its namespaces are.")
@click.option(
    "--namespace", default="registrar", show_default=True, help="The bot's own, left out."
)
@click.option("--output", default="", help="Replace this file, as a whole, instead of printing.")
@click.option("--verify", default="", help="Say whether this file is current, behind or damaged.")
@WORKSPACE
def policy(
    *,
    form: str,
    mode: str | None,
    environment: str,
    cluster: str,
    namespace: str,
    output: str,
    verify: str,
    workspace: str,
) -> None:
    """Print the policy that a cluster judges images by, also while the bot is down.

    With --verify: exit 0 current, 1 behind, 2 damaged or not to be told.
    """
    from bot.terminal_policy import Wanted, print_policy, verify_policy

    if verify:
        sys.exit(_quietly(verify_policy(verify, workspace)))
    if cluster and (mode or environment != "any"):
        raise click.UsageError("A cluster has its own mode and environment; give --cluster alone.")
    wanted = Wanted(form, mode or "audit", environment, cluster, namespace)
    sys.exit(_quietly(print_policy(wanted, output, workspace)))


@main.command()
@click.option("--url", envvar="REGISTRAR_URL", required=True, help="Where Registrar is: https://…")
@click.option("--cluster", envvar="REGISTRAR_CLUSTER", required=True, help="The cluster's id.")
@click.option("--context", default="", help="Of the kubeconfig, outside of a cluster.")
def inventory(url: str, cluster: str, context: str) -> None:
    """Tell Registrar what this cluster runs; exit 0 told, 2 not told at all.

    Reads with the pod's service account, or the kubeconfig, and changes nothing. The cluster's
    token is taken from REGISTRAR_TOKEN, or from the file that REGISTRAR_TOKEN_FILE names. Whatever
    cannot be listed makes it fail: half a list would look as if the rest were gone.
    """
    from bot.terminal_inventory import send_inventory, token_from

    _run(send_inventory(url, cluster, _guard(lambda: token_from(os.environ)), context))


@main.group()
def doctor() -> None:
    """Looks at what may be wrong, and changes nothing."""


@doctor.command("rotation")
@click.argument("names", nargs=-1)
@click.option("--orphans", is_flag=True, help="What rotations may have left at providers.")
@WORKSPACE
def doctor_rotation(names: tuple[str, ...], *, orphans: bool, workspace: str) -> None:
    """Say what rotating these registries by itself would do, and what is missing for it.

    Exit 0 nothing is missing or left, 1 something is, 2 could not ask.
    """
    from bot import terminal_doctor

    if bool(names) == orphans:
        raise click.UsageError("Name registries, or give --orphans.")
    if orphans:
        sys.exit(_quietly(terminal_doctor.orphans(workspace=workspace)))
    sys.exit(_quietly(terminal_doctor.rotation(names, workspace=workspace)))


@doctor.command("references")
@WORKSPACE
def doctor_references(*, workspace: str) -> None:
    """Say where the secrets of registries come from, and which references lead nowhere.

    Prints no secret. Exit 0 all lead to one, 1 some do not, 2 could not ask.
    """
    from bot import terminal_doctor
    from bot.logs import configure_logs

    configure_logs("ERROR")
    sys.exit(_run(terminal_doctor.references(workspace=workspace)))


@main.command("pull-secret")
@click.argument("names", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["kubernetes", "docker"]),
    default="kubernetes",
    show_default=True,
    help="A Secret for `kubectl apply -f -`, or ~/.docker/config.json.",
)
@ENVIRONMENT
@click.option("--namespace", default="", help="Of the Secret.")
@click.option("--name", "secret_name", default="registrar-pull", show_default=True)
@WORKSPACE
def pull_secret(
    names: tuple[str, ...],
    *,
    form: str,
    environment: str,
    namespace: str,
    secret_name: str,
    workspace: str,
) -> None:
    """Print the logins of stored registries; exit 0 all, 1 some left out, 2 none.

    What it prints is secret: send it where it belongs, and do not keep it. Why a registry is left
    out, and how long a login is good, goes to standard error.
    """
    from bot.terminal_pull_secret import print_pull_secret

    work = print_pull_secret(
        names,
        form=form,
        environment=environment,
        namespace=namespace,
        secret_name=secret_name,
        workspace=workspace,
    )
    sys.exit(_quietly(work))


@main.group()
def cluster() -> None:
    """The Kubernetes clusters that ask Registrar, and their tokens."""


def _at_most_one(_context: click.Context, _parameter: object, given: tuple[str, ...]) -> str:
    """What may be left out in the middle, where click knows only any number of them."""
    if len(given) > 1:
        raise click.UsageError("Name one namespace, or none for the whole cluster.")
    return "".join(given)


@cluster.command("add")
@click.argument("name")
@click.option("--environment", type=ENVIRONMENTS, default="any", show_default=True)
@click.option("--mode", type=MODES, default="audit", show_default=True)
@WORKSPACE
def cluster_add(name: str, environment: str, mode: str, workspace: str) -> None:
    """Add a cluster and print its token, once, to standard output."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.add(name, environment, mode, workspace))


@cluster.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
@WORKSPACE
def cluster_list(*, as_json: bool, workspace: str) -> None:
    """All clusters, how strict they are, and when their inventory arrived last."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.print_list(as_json=as_json, workspace=workspace))


@cluster.command("mode")
@click.argument("name")
@click.argument("namespace", nargs=-1, metavar="[NAMESPACE]", callback=_at_most_one)
@click.argument("mode", metavar="audit|warn|enforce|inherit")
@WORKSPACE
def cluster_mode(name: str, namespace: str, mode: str, workspace: str) -> None:
    """Say how strict a cluster is, or one namespace of it, which may inherit."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.set_mode(name, namespace, mode, workspace))


@cluster.command("environment")
@click.argument("name")
@click.argument("namespace", nargs=-1, metavar="[NAMESPACE]", callback=_at_most_one)
@click.argument("environment", metavar="any|production|staging|development|inherit")
@WORKSPACE
def cluster_environment(name: str, namespace: str, environment: str, workspace: str) -> None:
    """Say which environment's registries serve a cluster, or one namespace of it."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.set_environment(name, namespace, environment, workspace))


@cluster.command("rotate")
@click.argument("name")
@WORKSPACE
def cluster_rotate(name: str, workspace: str) -> None:
    """Print a new token; the one before stays good for 24 hours, or until `revoke`."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.rotate(name, workspace))


@cluster.command("revoke")
@click.argument("name")
@click.option("--all", "everything", is_flag=True, help="Also the newest: shut the cluster out.")
@WORKSPACE
def cluster_revoke(name: str, *, everything: bool, workspace: str) -> None:
    """End the tokens that were replaced."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.revoke(name, everything=everything, workspace=workspace))


@cluster.command("delete")
@click.argument("name")
@click.option("--yes", "sure", is_flag=True, help="Do not ask for the name again.")
@WORKSPACE
def cluster_delete(name: str, *, sure: bool, workspace: str) -> None:
    """Delete a cluster; its tokens end at once."""
    from bot import terminal_cluster

    _quietly(terminal_cluster.delete(name, sure=sure, workspace=workspace))


def _serve(*, listen: bool, work: bool) -> None:
    from bot.bootstrap import bootstrap
    from bot.logs import configure_logs

    os.umask(0o077)  # an SQLite file holds credentials, if only encrypted ones

    async def serve(stop: asyncio.Event) -> None:
        settings = Settings.from_environment()
        configure_logs(settings.log_level)
        async with bootstrap(settings) as bot:
            await bot.run(stop, listen=listen, work=work)

    _run(_until_signal(serve))


async def _until_signal(serve: Any) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await serve(stop)


def _quietly(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it with no log beside what it says, but errors."""
    from bot.logs import configure_logs

    configure_logs("ERROR")
    return _run(work)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return _guard(lambda: event_loop.run(work))


def _guard(work: Any) -> Any:
    """Say what is wrong in one sentence instead of a traceback; exit code 2."""
    try:
        return work()
    except RegistrarError as error:
        click.echo(f"registrar: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
