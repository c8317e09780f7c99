"""The rule of `bot.core.policy` in CEL, for engines that judge without asking anybody.

It is the same rule step by step: split at the host, hold to the grammar, canonicalise, compare
whole pieces. Each step is a variable, because a cluster gives each expression a budget of its own.
What it cannot know is the time: an exemption is in it, or is not.

Sources: kubernetes.io, "Common Expression Language in Kubernetes"; github.com/google/cel-spec. The
items of a list must be of one type, so steps pass lists of texts: `[image, host, path, digest]`,
with an empty host for what is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from bot.core import image
from bot.core.image import DOCKER_HUB
from bot.core.policy import ANY, HUB_ALIASES, Policy, Rule, canonical_host

KINDS_WITH_TEMPLATE: Final = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
)
REFUSES_NONE: Final = "variables.refused.size() == 0"
_DIGEST: Final = "|".join(
    f"{name}:[0-9a-f]{{{length}}}" for name, length in image.DIGEST_LENGTHS.items()
)
_GRAMMAR: Final = (
    f"^{image.HOST.pattern}/{image.PATH.pattern}(?::{image.TAG.pattern})?(?:@(?:{_DIGEST}))?$"
)
_NAMES_HOST: Final = "^(?:localhost|[^/]*[.:A-Z][^/]*)/"
_SHOWN: Final = 3
_SHOWN_LENGTH: Final = 200


def quoted(value: str) -> str:
    """A text of CEL; what JSON makes of ASCII is one."""
    return json.dumps(value)


def steps(
    policy: Policy, environment: str = ANY, now: datetime | None = None
) -> tuple[tuple[str, str], ...]:
    """Variables by name, each using those before it; the last, `refused`, lists images.

    Exemptions in force at `now` are in it.
    """
    return (
        ("places", _map(places(policy, environment))),
        ("exempt", _exempt(policy, now)),
        ("images", _images("object")),
        ("before", f"oldObject == null ? [] : {_images('oldObject')}"),
        ("fresh", "variables.images.filter(i, i != '' && !(i in variables.before))"),
        ("read", _read()),
        ("parts", _parts()),
        ("hosts", _hosts()),
        ("names", _names()),
        ("keys", _keys()),
        ("refused", _refused()),
    )


def message(environment: str, command: str) -> str:
    """An expression that names the first refused images and says what to do.

    An image may be any text of any length, and a message of several lines or more than 5 KiB is
    dropped, so only what looks like an image is shown.
    """
    shown = (
        f"variables.refused.map(i, i.size() <= {_SHOWN_LENGTH} && i.matches('^[!-~]+$') "
        "? i : '(not a valid image reference)')"
    )
    first = "l[0]" + "".join(f" + (l.size() > {n} ? ', ' + l[{n}] : '')" for n in range(1, _SHOWN))
    more = f"(l.size() > {_SHOWN} ? ' and ' + string(l.size() - {_SHOWN}) + ' more' : '')"
    advice = f": {_where(environment)}. Ask for it in Slack: {command} check "
    return f"[{shown}].map(l, {first} + {more} + {quoted(advice)} + l[0])[0]"


def plain_message(environment: str, command: str) -> str:
    """What is said when the expression cannot be evaluated."""
    return f"An image is {_where(environment)}. Ask for it in Slack: {command} check IMAGE"


def _where(environment: str) -> str:
    if environment == ANY:
        return "in no registered registry"
    return f"in no registry registered for {environment}"


def places(policy: Policy, environment: str) -> dict[str, list[str]]:
    """By `host` or `host/owner`, how the rest of a path may begin; nothing for all of it.

    The first piece of the path is in the key, so that a host of a thousand owners costs no more
    than one of ten.
    """
    found: dict[str, set[str]] = {}
    for rule in policy.rules:
        if not _can_match(rule) or not _serves(rule, environment):
            continue
        host, (owner, _, rest) = canonical_host(rule.host), rule.scope.partition("/")
        key = f"{host}/{owner}" if owner else host
        found.setdefault(key, set()).add(f"{rest}/" if rest else "")
    return {key: _least(rests) for key, rests in sorted(found.items())}


def _serves(rule: Rule, environment: str) -> bool:
    return environment == ANY or rule.environment in (ANY, environment)


def _can_match(rule: Rule) -> bool:
    """Whether an image can be there; it keeps odd texts out of the expression."""
    scope = rule.scope
    return bool(image.HOST.fullmatch(rule.host) and (not scope or image.PATH.fullmatch(scope)))


def _least(rests: set[str]) -> list[str]:
    """Without those that another one covers."""
    least: list[str] = []
    for rest in sorted(rests):  # what covers another one sorts before it
        if not any(rest.startswith(one) for one in least):
            least.append(rest)
    return least


def _map(found: Mapping[str, list[str]]) -> str:
    """One key a line, so that a change is one line of a diff."""
    inside = (f"{quoted(key)}: [{', '.join(map(quoted, value))}]" for key, value in found.items())
    return _lines("{", inside, "}")


def _lines(begin: str, inside: Iterable[str], end: str) -> str:
    lines = [f"  {line}" for line in inside]
    return "\n".join((begin, ",\n".join(lines), end)) if lines else begin + end


def _exempt(policy: Policy, now: datetime | None) -> str:
    """Repositories with a slash at the end, then the digest if only one image is meant."""
    names = {
        f"{one.host}/{one.repository}/" + (f"@{one.digest}" if one.digest else "")
        for one in policy.exemptions
        if now is not None and one.until > now
    }
    return _lines("[", map(quoted, sorted(names)), "]")


def _images(at: str) -> str:
    """Every image of an object of one of the nine kinds, wherever it is in the Pod's spec."""
    pod = f"[{_pod(at)}]"
    lists = " + ".join(
        f"(has(p.{field}) ? p.{field}.filter(c, has(c.image)).map(c, string(c.image)) : [])"
        for field in ("containers", "initContainers", "ephemeralContainers")
    )
    volumes = (
        "(has(p.volumes) ? p.volumes.filter(v, has(v.image) && has(v.image.reference))"
        ".map(v, string(v.image.reference)) : [])"
    )
    return f"{pod}.map(p, {lists} + {volumes})[0]"


def _pod(at: str) -> str:
    """The Pod's spec in an object; an empty map where a template is missing.

    `dyn` keeps the cluster from warning that a Pod has no template.
    """
    of_kind = (
        (("Pod",), ("spec",)),
        (("CronJob",), ("spec", "jobTemplate", "spec", "template", "spec")),
        (("PodTemplate",), ("template", "spec")),
        (KINDS_WITH_TEMPLATE, ("spec", "template", "spec")),
    )
    expression = "dyn({})"
    for kinds, path in reversed(of_kind):
        steps_down = [f"dyn({at}).{'.'.join(path[: n + 1])}" for n in range(len(path))]
        there = " && ".join(f"has({step})" for step in steps_down)
        names = ", ".join(map(quoted, kinds))
        expression = f"{at}.kind in [{names}] && {there} ? {steps_down[-1]} : {expression}"
    return expression


def _read() -> str:
    """`[image, image with a host]`; nothing for what is too long or the id of an image."""
    return (
        f"variables.fresh.map(i, [i, i.size() > {image.LONGEST} || "
        f"i.matches({quoted(f'^{image.ID.pattern}$')}) ? '' : "
        f"(i.matches({quoted(_NAMES_HOST)}) ? i : string({quoted(DOCKER_HUB + '/')} + i))])"
    )


def _parts() -> str:
    host = "r[1].split('/')[0]"
    rest = f"r[1].substring({host}.size() + 1)"
    return (
        f"variables.read.map(r, r[1].matches({quoted(_GRAMMAR)}) ? "
        f"[r[0], {host}, {rest}.split('@')[0].split(':')[0], "
        "(r[1].contains('@') ? r[1].split('@')[1] : '')] : [r[0], '', '', ''])"
    )


def _hosts() -> str:
    """The host in lower case without the default port; the path held to its length.

    A name that is short because Docker Hub is meant counts with `library/`.
    """
    hub = f"p[1] in [{quoted(DOCKER_HUB)}, {quoted('index.' + DOCKER_HUB)}]"
    short = image.LONGEST_PATH - len("library/")
    longest = f"({hub} && !p[2].contains('/') ? {short} : {image.LONGEST_PATH})"
    host = "(p[1].endsWith(':443') ? p[1].substring(0, p[1].size() - 4) : p[1]).lowerAscii()"
    return (
        f"variables.parts.map(p, [p[0], p[2].size() > {longest} ? '' : string({host}), p[2], p[3]])"
    )


def _names() -> str:
    """The names of Docker Hub made one, and `library/` put in where it is meant."""
    hubs = ", ".join(map(quoted, sorted({DOCKER_HUB, *HUB_ALIASES})))
    path = "(h[2].contains('/') ? h[2] : 'library/' + h[2])"
    return (
        f"variables.hosts.map(h, h[1] in [{hubs}] ? "
        f"[h[0], {quoted(DOCKER_HUB)}, string({path}), h[3]] : h)"
    )


def _keys() -> str:
    """`[image, host, host/owner, the rest of the path, repository, digest of it]`.

    The rest and the repository end with a slash, so that what begins alike is not taken for it.
    """
    owner = "n[2].split('/')[0]"
    repository = "n[1] + '/' + n[2] + '/'"
    return (
        f"variables.names.map(n, [n[0], n[1], string(n[1] + '/' + {owner}), "
        f"string(n[2] + '/').substring({owner}.size() + 1), "
        f"string({repository}), string({repository} + '@' + n[3])])"
    )


def _refused() -> str:
    return (
        "variables.keys.filter(k, k[1] == '' || !("
        "k[1] in variables.places || "
        "k[2] in variables.places && variables.places[k[2]].exists(s, k[3].startsWith(s)) || "
        "k[4] in variables.exempt || k[5] in variables.exempt)).map(k, k[0])"
    )
