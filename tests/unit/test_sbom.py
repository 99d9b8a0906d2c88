"""The SBOM: valid by CycloneDX's own schema, the same for the same resolution, and right about what needs what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.artifacts import sbom
from release.artifacts.record import Component, Resolution

DIGEST = "0123456789abcdef" * 4
LICENSES = {
    "MIT": {"license": {"id": "MIT"}},
    "apache-2.0": {"license": {"id": "Apache-2.0"}},
    "MIT OR Apache-2.0": {"expression": "MIT OR Apache-2.0"},
    "BSD License (see <file> & ☂)": {"license": {"name": "BSD License (see <file> & ☂)"}},
}
COMPONENTS = (
    Component("alpha", "1.0", (DIGEST,), "MIT", ("beta", "gamma")),
    Component("beta", "2!1.0+local.1", (), "MIT OR Apache-2.0", ("alpha",)),
    Component("gamma", "0.1rc1", (DIGEST,), "", ()),
)
RESOLUTION = Resolution("uv.lock, as chosen by pip 26 for CPython 3.11", ("alpha",), COMPONENTS)


def rendered(resolution: Resolution = RESOLUTION, **more: Any) -> bytes:
    return sbom.rendered("De.mo-App", "1.0.0", resolution, **{"epoch": 1_700_000_000, "tool": "1", **more})


@pytest.mark.parametrize("resolution", [RESOLUTION, Resolution("nothing", (), ())])
def test_it_is_valid_by_the_schema_of_cyclonedx(resolution: Resolution) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    text = rendered(resolution).decode()
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"library"', '"bookcase"')) is not None


def test_the_same_resolution_makes_the_same_bytes_and_any_other_does_not() -> None:
    assert rendered() == rendered()
    others = [
        rendered(epoch=1_700_000_001),
        rendered(tool="2"),
        rendered(RESOLUTION._replace(source="another")),
        rendered(RESOLUTION._replace(components=(COMPONENTS[0]._replace(hashes=()), *COMPONENTS[1:]))),
    ]
    serials = {json.loads(one)["serialNumber"] for one in [rendered(), *others]}
    assert len(serials) == len(others) + 1


def test_it_says_what_needs_what() -> None:
    facts = json.loads(rendered())
    graph = {one["ref"]: one.get("dependsOn", []) for one in facts["dependencies"]}
    assert graph == {
        "pkg:pypi/de-mo-app@1.0.0": ["pkg:pypi/alpha@1.0"],
        "pkg:pypi/alpha@1.0": ["pkg:pypi/beta@2%211.0%2Blocal.1", "pkg:pypi/gamma@0.1rc1"],
        "pkg:pypi/beta@2%211.0%2Blocal.1": ["pkg:pypi/alpha@1.0"],
        "pkg:pypi/gamma@0.1rc1": [],
    }
    assert {one["bom-ref"] for one in facts["components"]} == set(graph) - {"pkg:pypi/de-mo-app@1.0.0"}
    assert facts["components"][0]["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]
    assert facts["metadata"]["component"]["name"] == "De.mo-App"
    assert facts["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    (by,) = facts["metadata"]["tools"]["components"]
    assert (by["name"], by["version"]) == ("invoke-gitflow", "1")


@pytest.mark.parametrize("license_", LICENSES)
def test_a_license_is_an_identifier_an_expression_or_a_name(license_: str) -> None:
    text = rendered(Resolution("x", ("alpha",), (Component("alpha", "1.0", (), license_),)))
    assert json.loads(text)["components"][0]["licenses"] == [LICENSES[license_]]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None


def test_its_name_is_that_of_the_distributions_beside_it() -> None:
    assert sbom.name("De.mo-App", "1.0.0rc1") == "de_mo_app-1.0.0rc1.cdx.json"
