"""Amazon's two registries, and the STS, ECR, ECR Public and IAM APIs they are reached with."""

from __future__ import annotations

import base64
import re
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from bot.core.clock import SystemClock
from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held
from bot.sandbox.practice.paging import after_token
from bot.sandbox.practice.shapes import aws_key_id, aws_secret, random_text
from bot.sandbox.practice.shelf import PRIVATE_IMAGE, parse_pull
from bot.sandbox.practice.sigv4 import Signature, parse_signature
from bot.sandbox.practice.states import State
from bot.sandbox.practice.tokens import Scope
from bot.sandbox.practice.vendor import (
    FOREVER,
    VERSION,
    Bench,
    PracticeField,
    TokenVendor,
    Vendor,
    parse_scopes_of,
)

ACCOUNT: Final = "123456789012"
XML: Final = ("Content-Type", "text/xml")
XMLNS: Final = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}
TOKEN_HOURS: Final = 12
JSON_ACTIONS: Final = frozenset(
    {"GetAuthorizationToken", "DescribeRepositories", "DescribeImages", "DescribeImageTags"}
)
KEY_AGE: Final = timedelta(days=41)
MOST_KEYS: Final = 2
SETTLES: Final = timedelta(seconds=8)
OWN_KEYS: Final = (
    "iam:ListAccessKeys",
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:SimulatePrincipalPolicy",
)
"""What a user may be allowed on itself, and is in practice."""


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key and whose it is. `vendor` is None for the bot's own identity.

    `held` is told for the long-term key of a user, None for the others.
    """

    key_id: str
    secret: str
    arn: str
    vendor: AmazonVendor | None = None
    session_token: str = ""
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class AwsFault:
    """An error of an AWS API. Query APIs answer XML with `status`, JSON APIs always 400."""

    code: str
    message: str
    status: int = 403


STS_FAULTS: Final = {
    State.WRONG_SECRET: AwsFault(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    ),
    State.REVOKED: AwsFault(
        "InvalidClientTokenId", "The security token included in the request is invalid."
    ),
    State.EXPIRED: AwsFault(
        "ExpiredToken", "The security token included in the request is expired"
    ),
    State.CLOCK_SKEW: AwsFault(
        "SignatureDoesNotMatch",
        "Signature expired: 20261124T000000Z is now earlier than 20261124T001000Z",
    ),
    State.LIMITED: AwsFault("Throttling", "Rate exceeded", 400),
    State.DOWN: AwsFault("ServiceUnavailable", "The service is unavailable.", 503),
}
ECR_FAULTS: Final = {
    State.WRONG_SECRET: AwsFault(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
    ),
    State.REVOKED: AwsFault(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    State.EXPIRED: AwsFault(
        "ExpiredTokenException", "The security token included in the request is expired"
    ),
    State.CLOCK_SKEW: AwsFault(
        "InvalidSignatureException",
        "Signature expired: 20261124T000000Z is now earlier than 20261124T001000Z",
    ),
    State.LIMITED: AwsFault("ThrottlingException", "Rate exceeded", 400),
    State.DOWN: AwsFault("ServerException", "Service unavailable", 503),
}


class AmazonVendor(Vendor):
    """What both registries of Amazon have: an access key whose holder the APIs know.

    `rights` are those that the user has on its own keys.
    """

    user: ClassVar[str]
    own_states: ClassVar[tuple[State, ...]] = (
        State.WRONG_SECRET,
        State.REVOKED,
        State.EXPIRED,
        State.LACKS_SCOPE,
        State.CLOCK_SKEW,
    )

    def __init__(self, bench: Bench, cloud: Cloud) -> None:
        super().__init__(bench)
        self.cloud = cloud
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/{self.user}"
        self.rights = set(OWN_KEYS)
        self.make().made_at -= KEY_AGE
        cloud.users.append(self)

    def make(self, label: str = "") -> Held:
        return self.keyring.add(aws_key_id(), aws_secret(), label=label)

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL", self.registry_url),
            PracticeField("Access Key ID", held.handle),
            PracticeField("Secret Access Key", held.secret, secret=True),
            PracticeField("Test image", PRIVATE_IMAGE),
        )


class Ecr(AmazonVendor):
    """`ACCOUNT.dkr.ecr.REGION.amazonaws.com`, any account and region."""

    slug: ClassVar = "ecr"
    label: ClassVar = "AWS ECR"
    host: ClassVar = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    user: ClassVar = "ci-pull"
    hosts: ClassVar = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
    planes: ClassVar = hosts
    own_states: ClassVar[tuple[State, ...]] = (
        *AmazonVendor.own_states,
        State.NO_ACCESS,
        State.SESSION_OVER,
    )

    def __init__(self, bench: Bench, cloud: Cloud) -> None:
        super().__init__(bench, cloud)
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/registrar-pull/practice"
        session = random_text(200)
        self.session = cloud.add(AwsKey(aws_key_id("ASIA"), aws_secret(), arn, self, session))
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/registrar-pull"
        self.external_id = f"registrar-{random_text(12)}"

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        url, *rest = super().fields_of(held)
        role = PracticeField("Role ARN", self.role_arn)
        external = PracticeField("External ID", self.external_id)
        return (url, PracticeField("Region", "eu-west-1"), *rest[:-1], role, external, rest[-1])

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), self.session.secret, self.session.session_token)

    def own(self, ask: Ask) -> Answer:
        region = self._region(ask.host)
        given = ask.basic
        if given is None:
            realm = f'Basic realm="https://{ask.host}/",service="ecr.amazonaws.com"'
            return as_text(401, "Not Authorized\n", ("WWW-Authenticate", realm), VERSION)
        if given[0] != "AWS" or not self.cloud.opens(given[1], region):
            return refusal(400, "UNSUPPORTED", "Your Authorization Token is invalid.", VERSION)
        if self.state is State.SESSION_OVER:
            message = "Your authorization token has expired. Reauthenticate and try again."
            return refusal(403, "DENIED", message, VERSION)
        if ask.path in {"/v2/", "/v2"}:
            return as_json(200, {}, VERSION)
        pull = parse_pull(ask.path)
        if pull is None:
            return as_text(404, "404 page not found")
        if self.state is State.NO_ACCESS:
            resource = f"arn:aws:ecr:{region}:{ACCOUNT}:repository/{pull.repository}"
            message = (
                f"User: {self.arn} is not authorized to perform: ecr:BatchGetImage on "
                f"resource: {resource} because no identity-based policy allows the "
                "ecr:BatchGetImage action"
            )
            return refusal(403, "DENIED", message, VERSION)
        return self.bench.shelf.answer(ask, pull)

    def _region(self, host: str) -> str:
        found = self.hosts.fullmatch(host)
        return found["region"] if found else ""


class PublicEcr(AmazonVendor, TokenVendor):
    """`public.ecr.aws`: everything is public, so no pull ever proves a credential."""

    slug: ClassVar = "public_ecr"
    label: ClassVar = "AWS Public ECR"
    host: ClassVar = "public.ecr.aws"
    user: ClassVar = "ci-public"
    hosts: ClassVar = re.compile(r"public\.ecr\.aws")
    planes: ClassVar = hosts
    realm: ClassVar = "https://{host}/token/"
    hint: ClassVar = "aws"

    def challenge(self, ask: Ask) -> Answer:
        if ask.bearer:
            # A stale bearer token is 400 here, without a challenge.
            return refusal(400, "UNSUPPORTED", "Invalid token.", VERSION)
        if ask.basic:
            return refusal(403, "DENIED", "Your authorization token has expired.", VERSION)
        return super().challenge(ask)

    def side(self, ask: Ask) -> Answer:
        if ask.method != "GET" or ask.path.rstrip("/") != "/token":
            return as_text(404, "404 page not found")
        # Also for a wrong credential: what it is worth shows at the manifest.
        given = ask.basic
        good = given is None or self.cloud.opens(given[1], "us-east-1")
        wanted = parse_scopes_of(ask)
        access = [Scope(scope.name, ("pull",)) for scope in wanted] if good else []
        issued = self.bench.desk.issue(given[0] if given else "", self.host, access)
        return as_json(200, {"token": issued["token"]})


class Cloud:
    """The APIs. Signatures are verified; the state of the key's registry decides the rest.

    `loses` is how many answers of an action get lost after it was done.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._keys: dict[str, AwsKey] = {}
        self.users: list[AmazonVendor] = []
        self.loses: dict[str, int] = {}
        self._passwords: dict[str, tuple[str, datetime]] = {}
        arn = f"arn:aws:iam::{ACCOUNT}:user/registrar"
        self.identity = self.add(AwsKey(aws_key_id(), aws_secret(), arn))

    def add(self, key: AwsKey) -> AwsKey:
        self._keys[key.key_id] = key
        return key

    def _key(self, key_id: str) -> AwsKey | None:
        """The identity's key, that of a session, or a user's, also one that was ended."""
        for vendor in self.users:
            held = vendor.keyring.ever(key_id)
            if held is not None:
                return AwsKey(key_id, held.secret, vendor.arn, vendor, held=held)
        return self._keys.get(key_id)

    def opens(self, password: str, region: str) -> bool:
        """Whether this is a registry password given out for the region, and not yet expired."""
        of, until = self._passwords.get(password, ("", self._bench.clock.now()))
        return of == region and self._bench.clock.now() < until

    def vendor_of(self, ask: Ask) -> AmazonVendor | None:
        """Whose key signed this request."""
        signature = parse_signature(ask)
        key = self._key(signature.key_id) if signature else None
        return key.vendor if key else None

    def answer(self, ask: Ask) -> Answer:
        """The answer of the API that the request was signed for."""
        signature = parse_signature(ask)
        if signature is None:
            message = "Request is missing Authentication Token"
            return query_fault("sts", AwsFault("MissingAuthenticationToken", message))
        key = self._key(signature.key_id)
        vendor = key.vendor if key else None
        if vendor is not None and vendor.state is State.STUCK:
            return Answer(200, delay=FOREVER)
        fault = self._fault(ask, signature, key)
        if fault is None and key is not None and key.held is not None:
            key.held.used_at = self._bench.clock.now()
        if signature.service in XMLNS:
            return query_fault(signature.service, fault) if fault else self._query(ask, key)
        return json_fault(fault) if fault else self._json(ask, signature, key)

    def _fault(self, ask: Ask, signature: Signature, key: AwsKey | None) -> AwsFault | None:
        faults = STS_FAULTS if signature.service in XMLNS else ECR_FAULTS
        if key is None or signature.session_token != key.session_token:
            return faults[State.REVOKED]
        if key.held is not None and not key.held.works(self._bench.clock.now()):
            # One that is not known yet, was stopped or was deleted: AWS does not tell which.
            return faults[State.REVOKED]
        if not signature.matches(ask, key.secret):
            return faults[State.WRONG_SECRET]
        return faults.get(key.vendor.now_state) if key.vendor else None

    def _query(self, ask: Ask, key: AwsKey | None) -> Answer:
        assert key is not None
        match ask.form.get("Action"):
            case "GetCallerIdentity":
                return query_result(
                    "sts",
                    "GetCallerIdentity",
                    f"<Arn>{key.arn}</Arn><UserId>{key.key_id[:4]}USERPRACTICE</UserId>"
                    f"<Account>{ACCOUNT}</Account>",
                )
            case "AssumeRole":
                return self._assume(ask, key)
            case str(action) if action in IAM_ACTIONS:
                return self._iam(ask, key, action)
        return query_fault("sts", AwsFault("InvalidAction", "Could not find operation", 400))

    def _iam(self, ask: Ask, key: AwsKey, action: str) -> Answer:
        """What a user asks about its own keys; about those of others it may ask nothing."""
        of = key.vendor
        own = of is not None and ask.form.get("UserName", of.user) == of.user
        if of is None or key.held is None or not own or f"iam:{action}" not in of.rights:
            message = f"User: {key.arn} is not authorized to perform: iam:{action}"
            return query_fault("iam", AwsFault("AccessDenied", message))
        done = IAM_ACTIONS[action](of, ask)
        if self.loses.get(action, 0):
            self.loses[action] -= 1
            return Answer(502, b"<html>Bad Gateway</html>")
        return query_fault("iam", done) if isinstance(done, AwsFault) else done

    def _assume(self, ask: Ask, key: AwsKey) -> Answer:
        form = ask.form
        ecr = next(vendor for vendor in self.users if isinstance(vendor, Ecr))
        wanted = (form.get("RoleArn"), form.get("ExternalId"))
        gone = ecr.state in {State.WRONG_SECRET, State.REVOKED, State.EXPIRED}
        if key is not self.identity or wanted != (ecr.role_arn, ecr.external_id) or gone:
            message = (
                f"User: {key.arn} is not authorized to perform: sts:AssumeRole on resource: "
                f"{form.get('RoleArn', '')}"
            )
            return query_fault("sts", AwsFault("AccessDenied", message))
        name = form.get("RoleSessionName", "")
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/registrar-pull/{name}"
        made = self.add(AwsKey(aws_key_id("ASIA"), aws_secret(), arn, ecr, random_text(200)))
        seconds = int(form.get("DurationSeconds", "3600"))
        until = SystemClock().now() + timedelta(seconds=seconds)
        return query_result(
            "sts",
            "AssumeRole",
            f"<Credentials><AccessKeyId>{made.key_id}</AccessKeyId>"
            f"<SecretAccessKey>{made.secret}</SecretAccessKey>"
            f"<SessionToken>{made.session_token}</SessionToken>"
            f"<Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROAPRACTICE:{name}</AssumedRoleId>"
            "</AssumedRoleUser>",
        )

    def _json(self, ask: Ask, signature: Signature, key: AwsKey | None) -> Answer:
        assert key is not None
        action = ask.headers.get("x-amz-target", "").rpartition(".")[2]
        if action not in JSON_ACTIONS:
            return json_fault(AwsFault("UnknownOperationException", "", 400))
        if key.vendor is None or key.vendor.state is State.LACKS_SCOPE:
            message = f"User: {key.arn} is not authorized to perform: {signature.service}:{action}"
            return json_fault(AwsFault("AccessDeniedException", message, 400))
        if action != "GetAuthorizationToken":
            return self._list(ask, action, public=signature.service == "ecr-public")
        password = randomness.token_urlsafe(300)
        until = self._bench.clock.now() + timedelta(hours=TOKEN_HOURS)
        self._passwords[password] = (signature.region, until)
        data: dict[str, object] = {
            "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": until.timestamp(),
        }
        if signature.service == "ecr-public":
            return as_json(200, {"authorizationData": data})
        host = f"{ACCOUNT}.dkr.ecr.{signature.region}.amazonaws.com"
        return as_json(200, {"authorizationData": [{**data, "proxyEndpoint": f"https://{host}"}]})

    def _list(self, ask: Ask, action: str, *, public: bool) -> Answer:
        shelf, wanted = self._bench.shelf, ask.json
        token, most = str(wanted.get("nextToken", "")), int(wanted.get("maxResults", 100))
        if action == "DescribeRepositories":
            names = [
                name.removeprefix("team/") if public else name
                for name in shelf.repositories()
                if not public or name.startswith("team/")
            ]
            asked = wanted.get("repositoryNames")
            if asked:
                names = [name for name in names if name in asked]
                if not names:
                    return json_fault(AwsFault("RepositoryNotFoundException", "", 400))
            page, following = after_token(names, token, most)
            host = "public.ecr.aws/team" if public else f"{ACCOUNT}.dkr.ecr"
            repositories = [
                {"repositoryName": name, "repositoryUri": f"{host}/{name}"} for name in page
            ]
            return as_json(200, {"repositories": repositories, **_going_on(following)})
        name = ("team/" if public else "") + str(wanted.get("repositoryName", ""))
        if not shelf.holds(name):
            return json_fault(AwsFault("RepositoryNotFoundException", "", 400))
        tags, following = after_token(list(shelf.tags(name).items()), token, min(most, 100))
        assert shelf.pushed is not None
        at = shelf.pushed.timestamp()
        if public:
            details: list[dict[str, object]] = [
                {"imageTag": tag, "createdAt": at, "imageDetail": {"imageDigest": digest}}
                for tag, digest in tags
            ]
            return as_json(200, {"imageTagDetails": details, **_going_on(following)})
        images = [
            {"imageDigest": digest, "imageTags": [tag], "imagePushedAt": at} for tag, digest in tags
        ]
        return as_json(200, {"imageDetails": images, **_going_on(following)})


def list_keys(of: AmazonVendor, _: Ask) -> Answer:
    members = "".join(f"<member>{about_key(of, held)}</member>" for held in of.keyring)
    return query_result(
        "iam",
        "ListAccessKeys",
        f"<IsTruncated>false</IsTruncated><AccessKeyMetadata>{members}</AccessKeyMetadata>",
    )


def create_key(of: AmazonVendor, _: Ask) -> Answer | AwsFault:
    if len(of.keyring) >= MOST_KEYS:
        return AwsFault("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    held = of.keyring.add(aws_key_id(), aws_secret(), settles=SETTLES)
    about = f"{about_key(of, held)}<SecretAccessKey>{held.secret}</SecretAccessKey>"
    return query_result("iam", "CreateAccessKey", f"<AccessKey>{about}</AccessKey>")


def update_key(of: AmazonVendor, ask: Ask) -> Answer | AwsFault:
    held = of.keyring.find(ask.form.get("AccessKeyId", ""))
    if held is None:
        return NO_SUCH_KEY
    held.active = ask.form.get("Status") == "Active"
    return query_result("iam", "UpdateAccessKey", "")


def delete_key(of: AmazonVendor, ask: Ask) -> Answer | AwsFault:
    if not of.keyring.end(ask.form.get("AccessKeyId", ""), lingers=SETTLES):
        return NO_SUCH_KEY
    return query_result("iam", "DeleteAccessKey", "")


def last_used(of: AmazonVendor, ask: Ask) -> Answer | AwsFault:
    held = of.keyring.find(ask.form.get("AccessKeyId", ""))
    if held is None:
        return NO_SUCH_KEY
    at = f"<LastUsedDate>{held.used_at:%Y-%m-%dT%H:%M:%SZ}</LastUsedDate>" if held.used_at else ""
    about = f"{at}<ServiceName>{'ecr' if at else 'N/A'}</ServiceName><Region>N/A</Region>"
    content = f"<UserName>{of.user}</UserName><AccessKeyLastUsed>{about}</AccessKeyLastUsed>"
    return query_result("iam", "GetAccessKeyLastUsed", content)


def simulate(of: AmazonVendor, ask: Ask) -> Answer:
    form = ask.form
    actions = [form[name] for name in sorted(form) if name.startswith("ActionNames.member.")]
    members = "".join(
        f"<member><EvalActionName>{action}</EvalActionName>"
        f"<EvalResourceName>{of.arn}</EvalResourceName>"
        f"<EvalDecision>{'allowed' if action in of.rights else 'implicitDeny'}</EvalDecision>"
        "</member>"
        for action in actions
    )
    content = f"<IsTruncated>false</IsTruncated><EvaluationResults>{members}</EvaluationResults>"
    return query_result("iam", "SimulatePrincipalPolicy", content)


def about_key(of: AmazonVendor, held: Held) -> str:
    return (
        f"<UserName>{of.user}</UserName><AccessKeyId>{held.handle}</AccessKeyId>"
        f"<Status>{'Active' if held.active else 'Inactive'}</Status>"
        f"<CreateDate>{held.made_at:%Y-%m-%dT%H:%M:%SZ}</CreateDate>"
    )


NO_SUCH_KEY: Final = AwsFault("NoSuchEntity", "The Access Key cannot be found.", 404)
IAM_ACTIONS: Final[Mapping[str, Callable[[AmazonVendor, Ask], Answer | AwsFault]]] = {
    "ListAccessKeys": list_keys,
    "CreateAccessKey": create_key,
    "UpdateAccessKey": update_key,
    "DeleteAccessKey": delete_key,
    "GetAccessKeyLastUsed": last_used,
    "SimulatePrincipalPolicy": simulate,
}


def _going_on(token: str) -> dict[str, str]:
    return {"nextToken": token} if token else {}


def query_result(service: str, action: str, content: str) -> Answer:
    body = (
        f'<{action}Response xmlns="{XMLNS[service]}"><{action}Result>{content}</{action}Result>'
        f"<ResponseMetadata><RequestId>practice</RequestId></ResponseMetadata></{action}Response>"
    )
    return Answer(200, body.encode(), (XML,))


def query_fault(service: str, fault: AwsFault) -> Answer:
    body = (
        f'<ErrorResponse xmlns="{XMLNS[service]}"><Error><Type>Sender</Type>'
        f"<Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
        "<RequestId>practice</RequestId></ErrorResponse>"
    )
    return Answer(fault.status, body.encode(), (XML,))


def json_fault(fault: AwsFault) -> Answer:
    status = fault.status if fault.status >= 500 else 400
    return as_json(status, {"__type": fault.code, "message": fault.message})
