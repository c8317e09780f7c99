"""How long one decision takes among 1,000 rules, beside a walk over all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from docker_image.digest import InvalidDigest
from docker_image.reference import InvalidReference, Reference

from bot.core.policy import Policy, Rule, canonical_host
from tests.bench.limits import Limit, judge
from tests.core.references import generated

ROUNDS = 5
LIMIT = Limit("a decision among 1,000 rules", 20, " µs", at_most=True)


def main() -> bool:
    """The same references through our policy and through the peer; the best of some rounds."""
    rules = [Rule(f"r{n}", "ghcr.io", f"team-{n}/group") for n in range(997)]
    rules += [Rule("acme", "ghcr.io", "acme"), Rule("hub", "docker.io", "acme")]
    rules += [Rule("harbor", "harbor.example.com:8443")]
    images = generated(2000)
    policy = Policy(rules)
    ours = _best(lambda image: policy.decide(image).allowed, images)
    places = [f"{rule.place}/" for rule in rules]
    peer = _best(lambda image: _walk(image, places), images)
    print(f"decide: {ours:.1f} µs; docker-image-py and a walk over the rules: {peer:.1f} µs")
    return judge(LIMIT, ours)


def _walk(image: str, places: Sequence[str]) -> bool:
    """What a careful person writes with the library there is."""
    try:
        host, path = Reference.parse_normalized_named(image).split_hostname()
    except (InvalidReference, InvalidDigest):
        return False
    name = f"{canonical_host(host)}/{path}/"
    return any(name.startswith(place) for place in places)


def _best(decide: Callable[[str], bool], images: Sequence[str]) -> float:
    """Microseconds an image."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for image in images:
            decide(image)
        took.append(time.perf_counter() - began)
    return min(took) / len(images) * 1_000_000
