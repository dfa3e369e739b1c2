"""The version, for the package and for what runs write down."""

__version__ = "0.2.0"
