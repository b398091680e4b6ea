"""The release that is running."""

from importlib.metadata import PackageNotFoundError, version

try:
    RELEASE = version("citewell")
except PackageNotFoundError:  # a checkout that was never installed
    RELEASE = "0+unknown"
