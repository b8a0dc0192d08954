"""Ax's JSON and SQL storage with our classes in them.

Importing this package registers them. Any public name of the Ax half, taken from ``ax_anasod``
itself, imports it. A program that takes names from ``ax_anasod.core`` or another room below, or
only loads a run, must import it first.
"""

from ax_anasod.storage.json import register
from ax_anasod.storage.sql import close_database, database_settings, registry_bundle, storage_config

register()

__all__ = ["close_database", "database_settings", "registry_bundle", "storage_config"]
