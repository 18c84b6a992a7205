"""Compiles the hot path where a C compiler is found; without one the wheel is pure Python.

In: ``_*.pyx`` of ``src``. Out: an extension beside each, a wheel tagged for this platform.
``TWAPNATIVE=off`` leaves it out, ``TWAPNATIVE=required`` makes a failure an error (CI, release builds). As a
script it compiles in place: ``hatch run native``, after a change of the source.
"""

import contextlib
import os
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MODULES = (
    "twap_server.domain.market._levels",
    "twap_server.domain.market._times",
    "twap_server.exchanges.binance._scan",
    "twap_server.exchanges.coinbase_exchange._scan",
    "twap_server.recordings._lines",
)


class NativeHook(BuildHookInterface):
    """Called by hatchling for each wheel, editable ones included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile beside the source and add the result to the wheel."""
        if self.target_name != "wheel" or os.environ.get("TWAPNATIVE") == "off":
            return
        try:
            made = _compiled(Path(self.root))
        except Exception as error:
            if os.environ.get("TWAPNATIVE") == "required":
                raise
            self.app.display_warning(
                f"twap-server: nothing is compiled, the same in Python is used ({error})"
            )
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["artifacts"] += [f"/{one.relative_to(self.root).as_posix()}" for one in made]


def _compiled(root: Path) -> list[Path]:
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    flags = [] if os.name == "nt" else ["-O3", "-g0"]
    with contextlib.chdir(root):
        modules = [
            Extension(one, [f"{_place(one)}.pyx"], extra_compile_args=flags, include_dirs=["src"])
            for one in _MODULES
        ]
        extensions = cythonize(modules, build_dir="build", include_path=["src"], quiet=True)
        command = build_ext(Distribution({"name": "twap-server", "ext_modules": extensions}))
        command.build_lib, command.build_temp = "src", "build"
        command.ensure_finalized()
        command.run()
    return [root / f"{_place(one)}{sysconfig.get_config_var('EXT_SUFFIX')}" for one in _MODULES]


def _place(module: str) -> str:
    return f"src/{module.replace('.', '/')}"


if __name__ == "__main__":
    _compiled(Path(__file__).resolve().parent)
