"""The schema of the database, and how an older one becomes the present one: numbered scripts that are only ever added to."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import apsw

from margelle.errors import StoreError

APPLICATION_ID: Final = 0x4D617267
"""Stands in the file's header: "Marg"."""
# In one statement: another process may be migrating between two.
_RECOGNISE: Final = """
SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id
"""


@cache
def scripts() -> tuple[str, ...]:
    """The migrations, from an empty database on; the schema's version is how many have been applied."""
    folder = files(__package__).joinpath("migrations")
    return tuple(
        script.read_text() for script in sorted(folder.iterdir(), key=lambda s: s.name) if script.name.endswith(".sql")
    )


def recognise(connection: apsw.Connection, newest: int) -> int:
    """The version of the database's schema, 0 where it is still empty; nothing is changed.

    Raises StoreError for another program's database, or one of a newer margelle.
    """
    version, application, tables = connection.execute(_RECOGNISE).get
    if application != APPLICATION_ID:
        if version or tables:
            raise StoreError(
                f"{connection.filename}: This database is not margelle's.",
                hint="Name another file; it was left as it is.",
            )
        return 0
    if version > newest:
        raise StoreError(
            f"{connection.filename}: This database has schema {version}; this margelle knows schemas up to {newest}.",
            hint="Update margelle, or use a backup made before the update; the database was left as it is.",
        )
    return int(version)


def migrate(connection: apsw.Connection, migrations: tuple[str, ...]) -> None:
    """Bring the schema up to date within the caller's transaction.

    Raises StoreError where what is there is not what its version says: the number was changed by hand, or the file is damaged.
    """
    version = recognise(connection, len(migrations))
    for script in migrations[version:]:
        try:
            connection.execute(script)
        except apsw.SQLError as error:
            raise StoreError(
                f"{connection.filename}: The database says that its schema is {version}, and cannot be brought up to date from there: {error}.",
                hint="Another program has changed it, or it is damaged: use a backup. It was left as it is.",
            ) from None
    if version < len(migrations):
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", len(migrations))
