"""Say how a package of this project is installed. None is on an index: the commands are for a checkout."""


def pip_install(package: str, extra: str = "") -> str:
    """Give the command, in the folder of a checkout.

    Args:
        package: ``client`` or ``server``.
        extra: what is installed with it, such as ``tui``.
    """
    named = f"'./packages/twap-{package}[{extra}]'" if extra else f"./packages/twap-{package}"
    return f"pip install ./packages/twap-models {named}"
