from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.client import DatabaseClient as PostgresClient

from catalog import config
from catalog.db.connection import connect_options, connection_parameters, remember
from catalog.db.replica import replica, replica_options

REPLICA = "replica"
"""The name of Django's connection to the replica."""


class DatabaseClient(PostgresClient):
    """Runs `manage.py dbshell`, with the psql of the embedded server if that is the database."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Any
    ) -> tuple[list[str], dict[str, str] | None]:
        known = connection_parameters()
        settings_dict = {
            **settings_dict,
            "NAME": known.pop("dbname", ""),
            "USER": known.pop("user", ""),
            "PASSWORD": known.pop("password", ""),
            "HOST": known.pop("host", ""),
            "PORT": known.pop("port", ""),
            "OPTIONS": known,
        }
        args, env = super().settings_to_cmd_args_env(settings_dict, parameters)
        if config.settings().database_url is None:
            from catalog.db.embedded import psql_path

            args[0] = str(psql_path())
        return args, env


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Django's parameters and the address. Starts the embedded server if it is not running."""
        options = replica_options() if self.alias == REPLICA else connect_options()
        return {**super().get_connection_params(), **options}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if self.alias == REPLICA:
            replica.remember(connection)
        else:
            remember(connection)
        return connection
