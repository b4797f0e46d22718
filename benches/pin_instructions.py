#!/usr/bin/env python3
"""Renew the limits of the instruction bench: run it, and write each count and 3 % more into its table.

    python3 benches/pin_instructions.py

Needs valgrind and gungraun-runner; the latter is taken from target/tools/bin, where tests/run puts it, or from the PATH.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "benches" / "benches" / "instructions.rs"
TABLE = re.compile(r"(// \(limits begin\)\n).*?( *// \(limits end\))", re.DOTALL)


def main():
    environment = os.environ | {"PATH": f"{ROOT / 'target' / 'tools' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    # It fails where a count is above its old limit, which is no reason to stop.
    answer = subprocess.run(["cargo", "bench", "-p", "attribution-benches", "--bench", "instructions", "--",
                             "--output-format=json"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in filter(None, answer.stdout.splitlines()):
        bench = json.loads(line)
        name = f"{bench['function_name']}.{bench['id']}"
        count = bench["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"]
        limit = -(-count * 103 // 100)
        print(f"{name:24} {count:>12,}  limit {limit:>12,}")
        lines.append(f'    ("{name}", {limit:_}), // {count:_}\n')
    text = BENCH.read_text()
    if len(lines) != len(re.findall(r"^#\[bench::", text, re.MULTILINE)):
        sys.exit("not every bench gave a count; the limits stay as they were")
    BENCH.write_text(TABLE.sub(lambda table: table[1] + "".join(lines) + table[2], text))


if __name__ == "__main__":
    main()
