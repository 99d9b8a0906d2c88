"""What the loopback GitHub answers to each call."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from hubdata import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubdata import Hub

_MOST = 100  # items of a page
Answer = tuple[int, Any, "Mapping[str, str]"]
_NOT_FOUND: Answer = (404, {"message": "Not Found"}, {})


def route(hub: Hub, verb: str, target: str, body: bytes, headers: Any, *, is_known: bool) -> Answer:
    """Return status, JSON or bytes, and headers."""
    at = urlsplit(target)
    asked = {name: values[-1] for name, values in parse_qs(at.query).items()}
    if storage := re.fullmatch(r"/storage/(\d+)", at.path):
        hub.leaked += [target] if headers.get("Authorization") else []
        return 200, hub.contents[int(storage[1])], {"Content-Type": "application/octet-stream"}
    if page := re.fullmatch(rf"/{REPOSITORY}/releases/download/(\d+)/(.+)", at.path):
        found = [one for one in hub.assets.values() if (str(one["release"]), one["name"]) == page.groups()]
        return (
            (302, b"", {"Location": f"{hub.files}/storage/{found[0]['id']}"})
            if found and not hub.is_private
            else _NOT_FOUND
        )
    if at.path == "/api/graphql":
        return _graphql(hub, json.loads(body))
    inside = re.fullmatch(r"/api/(v3|uploads)/repos/([^/]+/[^/]+)(/.*)?", at.path)
    is_seen = is_known or (verb == "GET" and not hub.is_private)
    if inside is None or inside[2] not in {REPOSITORY, hub.now_called} or not is_seen:
        return _NOT_FOUND
    path = inside[3] or ""
    if inside[2] != hub.now_called:
        return (
            301 if verb == "GET" else 307,
            {"message": "Moved"},
            {"Location": f"{hub.api}/repos/{hub.now_called}{path}"},
        )
    data = json.loads(body) if body and inside[1] == "v3" else body
    return _routed(hub, verb, path, asked, data, headers, is_known=is_known)


def _graphql(hub: Hub, asked: Any) -> Answer:
    """Answer the one question that gh has in this language: which release, drafts too, has a tag."""
    wanted = asked["variables"].get("tagName")
    found = next((one for one in hub.releases if one["tag_name"] == wanted), None)
    release = None if found is None else {"databaseId": found["id"], "isDraft": found["draft"]}
    return 200, {"data": {"repository": {"release": release}}}, {}


def _routed(
    hub: Hub, verb: str, path: str, asked: dict[str, str], data: Any, headers: Any, *, is_known: bool
) -> Answer:
    if verb == "GET" and not path:
        return 200, {"id": 1, "full_name": hub.now_called, "name": "repo", "private": hub.is_private}, {}
    for pattern, does in _ROUTES.items():
        match = re.fullmatch(pattern, f"{verb} {path}")
        if match:
            return does(hub, match, asked, data, headers, is_known)
    return _NOT_FOUND


def _listed(hub: Hub, _match: Any, asked: dict[str, str], _data: Any, _headers: Any, is_known: bool) -> Answer:
    return _paged(hub, "/releases", [_shown(hub, one) for one in hub.releases if is_known or not one["draft"]], asked)


def _paged(hub: Hub, path: str, items: list[Any], asked: dict[str, str]) -> Answer:
    size, number = min(int(asked.get("per_page", 30)), _MOST), int(asked.get("page", 1))
    more = {}
    if number * size < len(items):
        following = urlencode({**asked, "page": number + 1})
        more = {"Link": f'<{hub.api}/repositories/1{path}?{following}>; rel="next"'}
    return 200, items[(number - 1) * size : number * size], more


def _shown(hub: Hub, release: dict[str, Any]) -> dict[str, Any]:
    return {**release, "assets": [one for one in hub.assets.values() if one["release"] == release["id"]]}


def _created(hub: Hub, _match: Any, _asked: Any, data: Any, _headers: Any, _known: bool) -> Answer:
    if any(one["tag_name"] == data["tag_name"] and not one["draft"] for one in hub.releases):
        errors = [{"resource": "Release", "code": "already_exists", "field": "tag_name"}]
        return 422, {"message": "Validation Failed", "errors": errors}, {}
    return 201, _shown(hub, hub.release(**{"tag": data.pop("tag_name"), **data})), {}


def _one(hub: Hub, match: Any, _asked: Any, data: Any, _headers: Any, is_known: bool) -> Answer:
    found = [one for one in hub.releases if match[1] in (str(one["id"]), f"tags/{one['tag_name']}")]
    by_tag = match[1].startswith("tags/")
    found = [one for one in found if not one["draft"] or (is_known and not by_tag)]
    if not found:
        return _NOT_FOUND
    if data:
        found[0].update(data)
        if data.get("draft") is False:
            found[0]["published_at"] = "2023-11-14T22:13:20Z"
        if data.get("draft") is False and found[0]["tag_name"] not in hub.tags:
            hub.tags[found[0]["tag_name"]] = ("commit", "0" * 40)  # as the forge does
    return 200, _shown(hub, found[0]), {}


def _assets(hub: Hub, match: Any, asked: dict[str, str], _data: Any, _headers: Any, _known: bool) -> Answer:
    held = [one for one in hub.assets.values() if one["release"] == int(match[1])]
    return _paged(hub, f"/releases/{match[1]}/assets", held, asked)


def _asset(hub: Hub, match: Any, _asked: Any, _data: Any, headers: Any, _known: bool) -> Answer:
    number = int(match[2])
    if number not in hub.assets:
        return _NOT_FOUND
    if match[1] == "DELETE":
        del hub.assets[number]
        return 204, None, {}
    if "octet-stream" in (headers.get("Accept") or ""):
        return 302, b"", {"Location": f"{hub.files}/storage/{number}"}
    return 200, hub.assets[number], {}


def _uploaded(hub: Hub, match: Any, asked: dict[str, str], data: Any, _headers: Any, _known: bool) -> Answer:
    shown = re.sub(r"[^A-Za-z0-9._-]+", ".", asked["name"])
    if any((one["release"], one["name"]) == (int(match[1]), shown) for one in hub.assets.values()):
        errors = [{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]
        return 422, {"message": "Validation Failed", "errors": errors}, {}
    return 201, hub.asset(int(match[1]), asked["name"], data, label=asked.get("label", "")), {}


def _tag(hub: Hub, match: Any, _asked: Any, _data: Any, _headers: Any, _known: bool) -> Answer:
    if match[1] not in hub.tags:
        return _NOT_FOUND
    kind, oid = hub.tags[match[1]]
    return 200, {"ref": f"refs/tags/{match[1]}", "object": {"type": kind, "sha": oid}}, {}


def _pulls(hub: Hub, _match: Any, asked: dict[str, str], _data: Any, _headers: Any, _known: bool) -> Answer:
    def fits(one: dict[str, Any]) -> bool:
        wanted = asked.get("head", one["head"]["label"]), asked.get("base", one["base"]["ref"])
        return one["state"] == asked.get("state", "open") and (one["head"]["label"], one["base"]["ref"]) == wanted

    return _paged(hub, "/pulls", [one for one in hub.pulls if fits(one)], asked)


def _pull_made(hub: Hub, _match: Any, _asked: Any, data: Any, _headers: Any, _known: bool) -> Answer:
    owner = REPOSITORY.partition("/")[0]
    label = f"{owner}:{data['head']}"
    if any(
        (one["head"]["label"], one["base"]["ref"], one["state"]) == (label, data["base"], "open") for one in hub.pulls
    ):
        errors = [
            {"resource": "PullRequest", "code": "custom", "message": f"A pull request already exists for {label}."}
        ]
        return 422, {"message": "Validation Failed", "errors": errors}, {}
    number = next(hub.numbers)
    made = {
        "id": number,
        "number": number,
        "state": "open",
        "title": data["title"],
        "body": data.get("body"),
        "html_url": f"{hub.files}/{REPOSITORY}/pull/{number}",
        "head": {"ref": data["head"], "label": label},
        "base": {"ref": data["base"]},
    }
    hub.pulls.append(made)
    return 201, made, {}


def _pull(hub: Hub, match: Any, _asked: Any, data: Any, _headers: Any, _known: bool) -> Answer:
    found = next(one for one in hub.pulls if one["number"] == int(match[1]))
    found.update(data or {})
    return 200, found, {}


_ROUTES = {
    r"GET /releases": _listed,
    r"POST /releases": _created,
    r"(?:GET|PATCH) /releases/(\d+|tags/.+)": _one,
    r"GET /releases/(\d+)/assets": _assets,
    r"POST /releases/(\d+)/assets": _uploaded,
    r"(GET|DELETE) /releases/assets/(\d+)": _asset,
    r"GET /git/ref/tags/(.+)": _tag,
    r"GET /pulls": _pulls,
    r"POST /pulls": _pull_made,
    r"(?:GET|PATCH) /pulls/(\d+)": _pull,
}
