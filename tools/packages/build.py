"""Builds the npm package and the wheel, without a network: `build.py COMPONENT TRANSPILED OUT`.

Equal sources give equal bytes: files are in order, their times are all the same, and nothing else is told.
"""

import base64
import gzip
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tools/packages"
NAME, TITLE = "aftership-connector", "AfterShip's connector: one sandboxed WebAssembly component, and a host for it"
LICENCE, REPOSITORY = "MIT OR Apache-2.0", "https://github.com/aftership-connector/aftership-connector"
README = f"""# {NAME}

{TITLE}. The component is the one of the release of the same version; it never sees your key, and sends nothing that it
does not declare.

```{{language}}
{{code}}```

Rules, limits and everything else: <{REPOSITORY}>.
"""


def version():
    lines = iter((ROOT / "Cargo.toml").read_text().splitlines())
    next(line for line in lines if line == "[workspace.package]")
    return next(line for line in lines if line.startswith("version = ")).split('"')[1]


def readme(language, code):
    return README.format(language=language, code=code).encode()


def licences():
    return {name: (ROOT / name).read_bytes() for name in ("LICENSE-MIT", "LICENSE-APACHE")}


def npm(transpiled, out):
    about = {
        "name": NAME, "version": version(), "description": TITLE, "license": LICENCE, "type": "module",
        "repository": {"type": "git", "url": f"git+{REPOSITORY}.git"}, "engines": {"node": ">=20"},
        "exports": {".": {"types": "./index.d.ts", "default": "./index.mjs"}}, "types": "./index.d.ts",
    }
    files = {"package.json": json.dumps(about, indent=2).encode() + b"\n", "README.md": readme("js", (HERE / "npm/use.mjs").read_text())}
    files |= {name: (HERE / "npm" / name).read_bytes() for name in ("index.mjs", "index.d.ts")}
    files |= {name: (ROOT / "examples/hosts/node" / name).read_bytes() for name in ("call.mjs", "exchange.mjs", "host.mjs", "policy.mjs", "worker.mjs")}
    files |= {f"connector/{it.name}": it.read_bytes() for it in transpiled.iterdir()} | licences()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    path = out / f"{NAME}-{version()}.tgz"
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return path


def wheel(component, out):
    module = NAME.replace("-", "_")
    info = f"{module}-{version()}.dist-info"
    needs = (ROOT / "examples/hosts/python/requirements.txt").read_text().split()
    about = ["Metadata-Version: 2.4", f"Name: {NAME}", f"Version: {version()}", f"Summary: {TITLE}", f"License-Expression: {LICENCE}",
             f"Project-URL: Repository, {REPOSITORY}", "Requires-Python: >=3.11", *(f"Requires-Dist: {it}" for it in needs),
             "Description-Content-Type: text/markdown", "", readme("python", (HERE / "wheel/use.py").read_text()).decode()]
    files = {f"{module}/__init__.py": (HERE / "wheel/__init__.py").read_bytes(), f"{module}/connector.wasm": component.read_bytes()}
    files |= {f"connector_host/{it.name}": it.read_bytes() for it in (ROOT / "examples/hosts/python/connector_host").glob("*.py")}
    files |= {f"{info}/licenses/{name}": content for name, content in licences().items()}
    files |= {f"{info}/METADATA": "\n".join(about).encode(), f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: build.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    digest = lambda content: base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    rows = [f"{name},sha256={digest(content)},{len(content)}" for name, content in sorted(files.items())]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = out / f"{module}-{version()}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return path


component, transpiled, out = map(Path, sys.argv[1:])
out.mkdir(parents=True, exist_ok=True)
for path in (npm(transpiled, out), wheel(component, out)):
    print(f"{path} {path.stat().st_size} bytes")
