"""Compile hummingbot's order book (C++ behind Cython) into this environment, from its source on PyPI.

The whole of hummingbot would bring hundreds of packages; its book needs four of its extensions,
``hummingbot.core`` and ``hummingbot.logger``.
"""

import contextlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

VERSION = "20260922"
_EXTENSIONS = (
    "hummingbot/core/pubsub.pyx",
    "hummingbot/core/event/event_listener.pyx",
    "hummingbot/core/data_type/order_book_query_result.pyx",
    "hummingbot/core/data_type/order_book.pyx",
)
_NEEDED = ("hummingbot/__init__.py", "hummingbot/core", "hummingbot/logger")


def main() -> None:
    """Fetch, compile, copy."""
    with tempfile.TemporaryDirectory() as folder:
        source = _fetch(Path(folder))
        with contextlib.chdir(source):
            _compile()
        _install(source, Path(sysconfig.get_path("platlib")))


def _fetch(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--no-build-isolation"]
    wanted = ["--no-binary", "hummingbot", "--dest", str(folder), f"hummingbot=={VERSION}"]
    subprocess.run([*command, *wanted], check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"hummingbot-{VERSION}"


def _compile() -> None:
    """Build the extensions beside their sources, with the options of hummingbot's own ``setup.py``."""
    import numpy
    import setuptools
    from Cython.Build import cythonize

    extensions = [
        setuptools.Extension(path.removesuffix(".pyx").replace("/", "."), [path], extra_compile_args=["-w"])
        for path in _EXTENSIONS
    ]
    setuptools.setup(
        script_args=["--quiet", "build_ext", "--inplace"],
        ext_modules=cythonize(
            extensions,
            language="c++",
            language_level=3,
            compiler_directives={"annotation_typing": False},
            quiet=True,
        ),
        include_dirs=[numpy.get_include()],
    )


def _install(source: Path, target: Path) -> None:
    for name in _NEEDED:
        found, place = source / name, target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, place)
        else:
            shutil.copy(found, place)
