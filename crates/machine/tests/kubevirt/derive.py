#!/usr/bin/env python3
"""Derives virtual-machine.json, a JSON Schema, from KubeVirt's published types.

The types are in the npm package @kubevirt-ui-ext/kubevirt-api (Apache-2.0), which generates them from
KubeVirt's OpenAPI document. Only names, types and what is required are taken; no text of theirs.

    npm pack @kubevirt-ui-ext/kubevirt-api@1.7.0 && tar xzf kubevirt-ui-ext-kubevirt-api-1.7.0.tgz
    ./derive.py package/dist/kubevirt/index.d.ts > virtual-machine.json
"""

import json
import re
import sys

ROOT = "V1VirtualMachine"


def interfaces(text):
    found = {}
    for match in re.finditer(r"^interface (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        body = re.sub(r"/\*.*?\*/", "", match.group(2), flags=re.S)
        field = r"^    (?:readonly )?'?([\w-]+)'?(\?)?: (\{.*?^    \}|[^\n]+);$"
        found[match.group(1)] = re.findall(field, body, re.M | re.S)
    return found


def schema(kind, known):
    kind = kind.strip()
    if kind in ("string", "boolean", "number"):
        return {"type": kind}
    if kind == "Date":
        return {"type": "string"}
    if (match := re.fullmatch(r"Array<(.+)>", kind)):
        return {"type": "array", "items": schema(match.group(1), known)}
    if (match := re.fullmatch(r"\{\s*\[key: string\]: (.+?);?\s*\}", kind)):
        return {"type": "object", "additionalProperties": schema(match.group(1), known)}
    if kind in known:
        return {"$ref": f"#/$defs/{kind}"}
    return {}


def main():
    known = interfaces(open(sys.argv[1], encoding="utf-8").read())
    defs, left = {}, [ROOT]
    while left:
        name = left.pop()
        if name in defs:
            continue
        fields = known[name]
        own = {"type": "object", "additionalProperties": False, "properties": {}}
        required = []
        for field, optional, kind in fields:
            own["properties"][field] = schema(kind, known)
            if not optional:
                required.append(field)
            left += [word for word in re.findall(r"\w+", kind) if word in known]
        if required:
            own["required"] = required
        # Their generator gives no fields to types that are open.
        if not fields:
            own.pop("additionalProperties")
        defs[name] = own
    json.dump({"$ref": f"#/$defs/{ROOT}", "$defs": dict(sorted(defs.items()))}, sys.stdout,
              indent=1, sort_keys=True)
    print()


main()
