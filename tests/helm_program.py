"""A program, not a module to import: the part of helm's command line that is used, by Helm's own code.

It calls the library that the package helm-python-sdk brings (Helm 4), where the program itself is not installed. What
it prints is the program's, less the digest of a push, which the library does not tell.
"""

from __future__ import annotations

import argparse
import sys

from helm_python import HelmError
from helm_python.chart import lint, package
from helm_python.registry import RegistryClient, dependency_build

_ERROR = 3  # the severity


def main() -> int:
    parser = argparse.ArgumentParser(prog="helm")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("lint").add_argument("path")
    packaging = commands.add_parser("package")
    packaging.add_argument("path")
    packaging.add_argument("--destination")
    pushing = commands.add_parser("push")
    pushing.add_argument("path")
    pushing.add_argument("remote")
    pushing.add_argument("--plain-http", action="store_true")
    dependency = commands.add_parser("dependency")
    dependency.add_argument("verb", choices=["build"])
    dependency.add_argument("path")
    asked = parser.parse_args()
    if asked.command == "lint":
        messages = lint(asked.path)["messages"]
        for one in messages:
            print(f"[{one['severity']}] {one['path']}: {one['error']}")
        return int(any(one["severity"] >= _ERROR for one in messages))
    if asked.command == "package":
        print(f"Successfully packaged chart and saved it to: {package(asked.path, destination=asked.destination)}")
    elif asked.command == "dependency":
        dependency_build(asked.path)
    else:
        with RegistryClient(plain_http=asked.plain_http) as client:
            client.push(asked.path, asked.remote, plain_http=asked.plain_http)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HelmError as error:
        sys.exit(f"Error: {error}")
