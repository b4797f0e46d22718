#!/usr/bin/env python3
"""Check that every public type, trait, function and method of a crate has an example in its documentation.

    tests/doc_examples.py FILE      FILE is what `rustdoc --output-format json` wrote

(The compiler's own lint does not see what a private module has and the crate re-exports.) Fields, variants and constants
need none: what they belong to has one. Neither do a trait's methods where the trait's own example calls them.
"""

import json
import re
import sys

NEED_ONE = {"struct", "enum", "union", "trait", "function", "macro"}


def public_items(index, item, prefix):
    """Name and item, for everything that can be reached from a module, type or trait."""
    kind, inner = next(iter(item["inner"].items()))
    name = f"{prefix}::{item['name']}" if item["name"] else prefix
    if kind == "use":
        target = index.get(str(inner["id"]))
        if target:
            yield from public_items(index, target, prefix)
        return
    yield name, kind, item
    children = inner.get("items", []) if kind in ("module", "trait") else []
    for implementation in inner.get("impls", []) if kind in ("struct", "enum", "union") else []:
        details = index[str(implementation)]["inner"]["impl"]
        if details["trait"] is None:
            children = children + details["items"]
    for child in children:
        child = index.get(str(child))
        if child and (child["visibility"] == "public" or kind == "trait" or "use" in child["inner"]):
            yield from public_items(index, child, name)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        crate = json.load(file)
    index, trait_docs, found, missing = crate["index"], {}, 0, []
    root = index[str(crate["root"])]
    for name, kind, item in public_items(index, root, ""):
        docs = item["docs"] or ""
        if kind == "trait":
            trait_docs[name] = docs
        if kind not in NEED_ONE:
            continue
        found += 1
        owner, _, own = name.rpartition("::")
        called = owner in trait_docs and re.search(rf"[.:]{own}\(", trait_docs[owner])
        if "```" not in docs and not called:
            span = item["span"]
            missing.append(f"{span['filename']}:{span['begin'][0]}: {name.removeprefix('::')} has no example")
    print(*missing, sep="\n" if missing else "")
    print(f"{found} public items, {len(missing)} without an example")
    return 1 if missing or not found else 0


if __name__ == "__main__":
    sys.exit(main())
