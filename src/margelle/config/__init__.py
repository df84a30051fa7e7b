"""Settings as a table: name, type, default and sentence, from a file, the environment and flags; an unknown key is an error."""

from margelle.config.french import FRENCH
from margelle.config.loading import FILE_NAME, Settings, load
from margelle.config.table import OTHER_ENVIRONMENT, TABLE, env_name

__all__ = ["FILE_NAME", "FRENCH", "OTHER_ENVIRONMENT", "TABLE", "Settings", "env_name", "load"]
