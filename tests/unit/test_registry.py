"""The reader of registries: digests, what passes and what does not, logins, and that nothing goes out in the clear."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import json
import socket
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from registries import BASIC, Front, Reply, fronting

from release.artifacts.publish import challenge, hosts, labels, logins
from release.artifacts.publish.registry import INDEXES, MANIFESTS, Registry
from release.artifacts.publish.transport import Transport
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TAG = "/v2/acme/app/manifests/1.0.0"
ENV = {"HOME": "/nonexistent", "PATH": ""}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def found(content: bytes, **headers: str) -> Reply:
    return Reply(200, {"Docker-Content-Digest": digest_of(content), "Content-Type": MANIFESTS[0], **headers}, content)


MANIFEST = json.dumps({"mediaType": MANIFESTS[0], "schemaVersion": 2}).encode()


@pytest.fixture
def front() -> Iterator[Front]:
    with fronting(Front()) as server:
        yield server


class Pauses(list[float]):
    """What was waited for, without waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def reader(front: Front, env: Mapping[str, str] = ENV, pauses: Pauses | None = None) -> Registry:
    return Registry(f"{front.host}/acme/app", env, pause=Pauses() if pauses is None else pauses)


def failure(registry: Registry) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        registry.manifest("1.0.0")
    return caught.value


def test_a_tag_has_a_digest_or_is_free(front: Front) -> None:
    front.replies[f"HEAD {TAG}"] = [found(MANIFEST)]
    registry = reader(front)
    assert registry.digest("1.0.0") == digest_of(MANIFEST)
    assert registry.digest("1.0.0") == ""
    asked = front.asked[0].headers["Accept"]
    assert all(kind in asked for kind in (*MANIFESTS, *INDEXES))


def test_a_digest_that_is_not_told_is_computed(front: Front) -> None:
    front.replies[f"HEAD {TAG}"] = [Reply(200)]
    front.replies[f"GET {TAG}"] = [Reply(200, {}, MANIFEST)]
    assert reader(front).digest("1.0.0") == digest_of(MANIFEST)


def test_bytes_of_another_digest_are_refused(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [found(MANIFEST), found(b"{}")._replace(content=MANIFEST)]
    registry = reader(front)
    manifest = registry.manifest("1.0.0")
    assert manifest is not None
    assert (manifest.digest, manifest.kind) == (digest_of(MANIFEST), MANIFESTS[0])
    assert failure(registry).exit is Exit.REFUSED
    front.replies["GET /v2/acme/app/blobs/sha256:1"] = [Reply(200, {}, b"1")]
    with pytest.raises(ReleaseError, match="said to be sha256:1"):
        registry.blob("sha256:1", largest=9)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"3"])
def test_what_is_no_manifest_is_refused(front: Front, content: bytes) -> None:
    front.replies[f"GET {TAG}"] = [Reply(200, {}, content)]
    assert "no manifest" in str(failure(reader(front)))


def test_a_blob_has_its_limit(front: Front) -> None:
    front.replies["GET /v2/acme/app/blobs/sha256:1"] = [Reply(200, {}, b"1" * (2 << 20))]
    with pytest.raises(ReleaseError, match="more than") as caught:
        reader(front).blob("sha256:1", largest=9)
    assert caught.value.exit is Exit.INTERRUPTED


def test_what_passes_is_tried_again(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [Reply(500), Reply(429, {"Retry-After": "7"}), Reply(503), found(MANIFEST)]
    pauses = Pauses()
    assert reader(front, pauses=pauses).manifest("1.0.0") is not None
    assert pauses == [1.0, 7.0, 4.0]


def test_it_is_not_tried_for_ever(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [Reply(502)] * 9
    error = failure(reader(front))
    assert error.exit is Exit.INTERRUPTED
    assert "status 502 (tried 5 times)" in str(error)
    assert len(front.asked) == 5


def test_a_wait_that_is_too_long_ends_it(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [Reply(429, {"Retry-After": "3600"})]
    assert "asks to wait for 3600 seconds" in str(failure(reader(front)))
    assert len(front.asked) == 1


def test_a_date_to_wait_for_is_read(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [Reply(429, {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})]
    assert "asks to wait for" in str(failure(reader(front)))


def test_nobody_answers() -> None:
    with socket.socket() as taken:  # bound and not listening: whoever connects is refused
        taken.bind(("127.0.0.1", 0))
        pauses = Pauses()
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        error = failure(Registry(f"{host}/acme/app", ENV, pause=pauses))
    assert error.exit is Exit.INTERRUPTED
    assert str(error).startswith(f"{host} cannot be reached: Connection refused (tried 5 times)")
    assert pauses == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("status", [400, 405, 418])
def test_other_answers_are_not_taken_for_a_free_tag(front: Front, status: int) -> None:
    front.replies[f"HEAD {TAG}"] = [Reply(status)]
    with pytest.raises(ReleaseError, match=f"status {status}") as caught:
        reader(front).digest("1.0.0")
    assert caught.value.exit is Exit.INTERRUPTED


def with_login(folder: Path, host: str, **entry: str) -> dict[str, str]:
    """Return an environment whose Docker has a login."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": {host: entry or {"auth": BASIC}}}))
    return {**ENV, "DOCKER_CONFIG": str(folder)}


def test_a_token_is_fetched_with_the_login_and_used_again(front: Front, tmp_path: Path) -> None:
    front.scope = "repository:acme/app:pull"
    front.replies[f"GET {TAG}"] = [found(MANIFEST)] * 2
    registry = reader(front, with_login(tmp_path, front.host))
    assert registry.manifest("1.0.0") is not None
    assert registry.manifest("1.0.0") is not None
    assert front.paths("GET") == [
        TAG,
        "/token?service=demo&scope=repository%3Aacme%2Fapp%3Apull",
        TAG,
        TAG,
    ]


def test_a_token_without_a_login_is_for_anybody(front: Front) -> None:
    front.scope, front.is_open = "repository:acme/app:pull", True
    front.replies[f"GET {TAG}"] = [found(MANIFEST)]
    assert reader(front).manifest("1.0.0") is not None


def test_an_identity_token_is_changed_for_one(front: Front, tmp_path: Path) -> None:
    front.scope = "repository:acme/app:pull"
    front.replies[f"GET {TAG}"] = [found(MANIFEST)]
    env = with_login(tmp_path, front.host, identitytoken="identity")
    assert reader(front, env).manifest("1.0.0") is not None
    assert front.paths("POST") == ["/token"]


def test_without_a_login_and_with_a_wrong_one_it_says_how_to_log_in(front: Front, tmp_path: Path) -> None:
    front.scope = "repository:acme/app:pull"
    wrong = base64.b64encode(b"releaser:s3cret-and-wrong").decode()
    for env in (ENV, with_login(tmp_path, front.host, auth=wrong)):
        error = failure(reader(front, env))
        assert error.exit is Exit.USAGE
        assert f"buildah login {front.host}" in str(error)
        assert "s3cret" not in repr(error) + str(error)


def test_basic_is_answered(front: Front, tmp_path: Path) -> None:
    asks = Reply(401, {"WWW-Authenticate": 'Basic realm="demo"'})
    front.replies[f"GET {TAG}"] = [asks, found(MANIFEST), asks, asks]
    env = with_login(tmp_path, front.host)
    assert reader(front, env).manifest("1.0.0") is not None
    assert front.asked[1].headers["Authorization"] == f"Basic {BASIC}"
    assert failure(reader(front, env)).exit is Exit.USAGE


def test_netrc_has_no_say(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    front.replies[f"GET {TAG}"] = [found(MANIFEST)]
    assert reader(front).manifest("1.0.0") is not None
    assert "Authorization" not in front.asked[0].headers


def test_nothing_leaves_this_machine_in_the_clear(front: Front) -> None:
    realm = 'Bearer realm="http://auth.example.org/token",service="demo"'
    front.replies[f"GET {TAG}"] = [
        Reply(401, {"WWW-Authenticate": realm}),
        Reply(307, {"Location": "http://cdn.example.org/manifest"}),
    ]
    for host in ("auth", "cdn"):
        assert f"{host}.example.org was to be asked without TLS" in str(failure(reader(front)))


def certificate(folder: Path) -> Path:
    """Write a certificate of this machine, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo")])
    now = dt.datetime.now(dt.timezone.utc)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


def test_only_a_certificate_that_is_trusted_counts(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    pauses = Pauses()
    with fronting(Front(replies={"GET /v2/": [Reply(200, {}, b"{}")]}), certificate=file) as front:
        url = f"https://{front.host}/v2/"
        with pytest.raises(ReleaseError, match="cannot be trusted: self-signed certificate") as caught:
            Transport("registry.example.org", {}, pauses).send("GET", url, headers={}, largest=9)
        assert caught.value.exit is Exit.INTERRUPTED
        assert not pauses, "asked again, as if that could change it"
        transport = Transport("registry.example.org", {"REQUESTS_CA_BUNDLE": str(file)}, pauses)
        assert transport.send("GET", url, headers={}, largest=9).content == b"{}"


def test_a_tag_is_moved_with_the_same_bytes(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [found(MANIFEST)]
    front.replies["PUT /v2/acme/app/manifests/latest"] = [Reply(201), Reply(405)]
    registry = reader(front)
    manifest = registry.manifest("1.0.0")
    assert manifest is not None
    registry.point("latest", manifest)
    assert (front.asked[-1].content, front.asked[-1].headers["Content-Type"]) == (MANIFEST, MANIFESTS[0])
    with pytest.raises(ReleaseError, match="status 405") as caught:
        registry.point("latest", manifest)
    assert caught.value.exit is Exit.REFUSED


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ('Bearer realm="https://a/b",service="s",scope="x:y:pull,push"', [("bearer", "https://a/b")]),
        ("Basic realm=demo", [("basic", "demo")]),
        ('Basic realm="a, b", Bearer realm="c"', [("basic", "a, b"), ("bearer", "c")]),
        ('Negotiate, Basic realm="a\\"b"', [("negotiate", ""), ("basic", 'a"b')]),
        ("Negotiate", [("negotiate", "")]),
        ("", []),
        ("=,=", []),
    ],
)
def test_challenges_are_read(header: str, wanted: list[tuple[str, str]]) -> None:
    assert [(one.scheme, one.parameters.get("realm", "")) for one in challenge.read(header)] == wanted


@pytest.mark.parametrize(
    ("name", "root"),
    [
        ("localhost:5000/app", "http://localhost:5000/v2/app"),
        ("127.9.9.9/acme/app", "http://127.9.9.9/v2/acme/app"),
        ("[::1]:5000/app", "http://[::1]:5000/v2/app"),
        ("localhost.example.org/app", "https://localhost.example.org/v2/app"),
        ("127.0.0.1.example.org/app", "https://127.0.0.1.example.org/v2/app"),
        ("10.0.0.1:5000/app", "https://10.0.0.1:5000/v2/app"),
        ("registry.example.org/acme/app", "https://registry.example.org/v2/acme/app"),
        ("app", "https://registry-1.docker.io/v2/library/app"),
        ("acme/app", "https://registry-1.docker.io/v2/acme/app"),
        ("docker.io/app", "https://registry-1.docker.io/v2/library/app"),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(name: str, root: str) -> None:
    assert hosts.repository(name).root == root


def test_logins_are_found_where_programs_keep_them(tmp_path: Path) -> None:
    auths = {
        "registry.example.org": {"auth": base64.b64encode(b"a:host").decode()},
        "registry.example.org/acme": {"auth": base64.b64encode(b"a:folder").decode()},
        "https://index.docker.io/v1/": {"auth": base64.b64encode(b"a:hub").decode()},
        "https://old.example.org/v1/": {"auth": base64.b64encode(b"a:old").decode()},
        "empty.example.org": {},
    }
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": auths}))
    env = {"HOME": str(tmp_path), "PATH": "", "REGISTRY_AUTH_FILE": str(file)}

    def secret(host: str, path: str) -> str:
        login = logins.find(host, path, env)
        return "" if login is None else base64.b64decode(login.basic.removeprefix("Basic ")).decode()

    assert secret("registry.example.org", "acme/app") == "a:folder"
    assert secret("registry.example.org", "other/app") == "a:host"
    assert secret("docker.io", "library/app") == "a:hub"
    assert secret("old.example.org", "app") == "a:old"
    assert secret("empty.example.org", "app") == secret("unknown.example.org", "app") == ""
    login = logins.find("docker.io", "app", env)
    assert "hub" not in repr(login) + str(login)


HELPER = """\
#!/bin/sh
read -r host
case "$1 $host" in
"get one.example.org") echo '{"ServerURL":"","Username":"a","Secret":"asked"}' ;;
"get two.example.org") echo '{"ServerURL":"","Username":"<token>","Secret":"identity"}' ;;
"get broken.example.org") echo "secret-in-here" ;;
"get locked.example.org") echo "secret-in-here" >&2; exit 1 ;;
*) echo "credentials not found in native keychain"; exit 1 ;;
esac
"""


def test_helpers_are_asked(tmp_path: Path) -> None:
    (tmp_path / "docker-credential-demo").write_text(HELPER)
    (tmp_path / "docker-credential-demo").chmod(0o755)
    config = {"credHelpers": {"two.example.org": "demo", "gone.example.org": "gone"}, "credsStore": "demo"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    env = {"HOME": "/nonexistent", "PATH": f"{tmp_path}:/usr/bin:/bin", "DOCKER_CONFIG": str(tmp_path)}
    one, two = (logins.find(f"{name}.example.org", "app", env) for name in ("one", "two"))
    assert one is not None
    assert base64.b64decode(one.basic.removeprefix("Basic ")) == b"a:asked"
    assert two is not None
    assert two.identity == "identity"
    assert logins.find("none.example.org", "app", env) is None
    for name, said in (("gone", "is not installed"), ("broken", "does not answer"), ("locked", "ended with status 1")):
        with pytest.raises(ReleaseError, match=said) as caught:
            logins.find(f"{name}.example.org", "app", env)
        assert caught.value.exit is Exit.USAGE
        assert "secret-in-here" not in str(caught.value)


@pytest.mark.parametrize("content", ["secret-in-here", "[]", '{"auths": {"h.example.org": {"auth": "c2VjcmV0"}}}'])
def test_a_damaged_file_is_named_and_not_quoted(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    env = {"HOME": "/nonexistent", "DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(ReleaseError, match=r"config\.json") as caught:
        logins.find("h.example.org", "app", env)
    assert caught.value.exit is Exit.USAGE
    assert "secret" not in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def image(front: Front, revision: str, annotations: dict[str, str] | None = None) -> bytes:
    """Let a front have an image, and return its manifest."""
    config = json.dumps({"config": {"Labels": {labels.REVISION: revision, "of": "the config"}}}).encode()
    front.replies[f"GET /v2/acme/app/blobs/{digest_of(config)}"] = [Reply(200, {}, config)] * 2
    manifest = {"mediaType": MANIFESTS[0], "config": {"digest": digest_of(config)}, "annotations": annotations or {}}
    content = json.dumps(manifest).encode()
    front.replies[f"GET /v2/acme/app/manifests/{digest_of(content)}"] = [found(content)] * 2
    return content


def index(front: Front, *contents: bytes) -> None:
    entries: list[object] = [{"digest": digest_of(one), "platform": {"os": "linux"}} for one in contents]
    entries.append({"digest": "sha256:0", "platform": {"os": "unknown"}})  # an attestation
    front.replies[f"GET {TAG}"] = [found(json.dumps({"mediaType": INDEXES[0], "manifests": entries}).encode())]


def told(front: Front) -> dict[str, str]:
    registry = reader(front)
    manifest = registry.manifest("1.0.0")
    assert manifest is not None
    return labels.read(registry, manifest)


def test_labels_are_read_below_annotations(front: Front) -> None:
    front.replies[f"GET {TAG}"] = [found(image(front, "abc", {"of": "the manifest"}))]
    assert told(front) == {labels.REVISION: "abc", "of": "the manifest"}


def test_of_several_platforms_only_what_all_say_counts(front: Front) -> None:
    index(front, image(front, "abc"), image(front, "abc", {"more": "x"}))
    assert told(front) == {labels.REVISION: "abc", "of": "the config"}
    index(front, image(front, "abc"), image(front, "def"))
    assert told(front) == {"of": "the config"}
    index(front)
    with pytest.raises(ReleaseError, match="without images"):
        told(front)
