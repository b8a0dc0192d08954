"""Ax's JSON and SQL storage with our classes in them.

Importing this package registers them; any public name of the Ax half imports it.
"""

from ax_anasod.storage.json import register
from ax_anasod.storage.sql import (
    close_database,
    database_settings,
    registry_bundle,
    storage_config,
)

register()

__all__ = ["close_database", "database_settings", "registry_bundle", "storage_config"]
