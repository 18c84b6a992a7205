"""Say how a package of this project is installed. None is on an index: the commands are for a checkout."""


def pip_install(package: str, extra: str = "") -> str:
    """Give the command, in the folder of a checkout.

    Args:
        package: ``client`` or ``server``.
        extra: what is installed with it, such as ``tui``.
    """
    named = f"'./packages/twap-{package}[{extra}]'" if extra else f"./packages/twap-{package}"
    return f"pip install ./packages/twap-models {named}"


def from_a_checkout(package: str, extra: str = "", *, version: str = "") -> str:
    """Say that command, and where it is given, in the middle of a sentence; ``version`` is the checkout's."""
    return f"from a checkout{f' of {version}' if version else ''}, {pip_install(package, extra)}"
