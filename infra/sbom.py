"""What a package is made of: a CycloneDX bill of materials, and the licences in a list that a lawyer can read.

No time and no serial number: the same package, the same bill. Source: CycloneDX 1.6, cyclonedx.org/docs/1.6/json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

from infra.manifest import pins

_HASH = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Component:
    """One distribution as it was installed.

    Args:
        license: SPDX expression, or what the distribution says of itself.
        hashes: SHA-256 of the files that requirements.txt accepts for it.
    """

    name: str
    version: str
    license: str
    hashes: tuple[str, ...]


def components(tree: Path) -> list[Component]:
    """Every distribution installed under `tree`, by name."""
    found = []
    for metadata in tree.glob("*.dist-info/METADATA"):
        fields = Parser().parsestr(metadata.read_text(encoding="utf-8"), headersonly=True)
        name = re.sub(r"[-_.]+", "-", str(fields["Name"])).lower()
        found.append(
            Component(name, str(fields["Version"]), _license(fields), tuple(_HASH.findall(pins().get(name, ""))))
        )
    return sorted(found, key=lambda c: c.name)


def _license(fields: Message) -> str:
    expression = fields.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        str(c).rpartition(" :: ")[2]
        for c in fields.get_all("Classifier") or []
        if str(c).startswith("License ::") and not str(c).endswith("OSI Approved")
    ]
    stated = str(fields.get("License") or "").strip().splitlines()
    return " OR ".join(classifiers) or (stated[0] if stated else "unknown")


def bill(group: str, version: str, parts: list[Component]) -> str:
    """The CycloneDX document of one package."""
    document: Mapping[str, object] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": f"whitenote-{group}", "version": version,
                          "licenses": [{"expression": "Apache-2.0"}]},
        },
        "components": [
            {
                "type": "library",
                "name": part.name,
                "version": part.version,
                "purl": f"pkg:pypi/{part.name}@{part.version}",
                "bom-ref": f"pkg:pypi/{part.name}@{part.version}",
                "licenses": [{"license": {"name": part.license}}],
                "hashes": [{"alg": "SHA-256", "content": value} for value in part.hashes],
            }
            for part in parts
        ],
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def licence_list(parts: list[Component]) -> str:
    """One line a distribution."""
    width = max(len(f"{part.name} {part.version}") for part in parts)
    return "".join(f"{f'{part.name} {part.version}':<{width}}  {part.license}\n" for part in parts)
