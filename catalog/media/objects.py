"""Objects in an S3-like store (`MEDIA_STORE`), with boto3's own settings for the address and the
credentials, such as AWS_ENDPOINT_URL_S3 and AWS_ACCESS_KEY_ID."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from catalog import config
from embedding.errors import UserFacingError

CONNECT_TIMEOUT, READ_TIMEOUT = 2, 10
"""Seconds, for each of `ATTEMPTS`."""

ATTEMPTS = 3

MAX_CONNECTIONS = 32

MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
"""Codes of errors that say that there is no such object."""


class StoreError(UserFacingError, OSError):
    """The store cannot be used; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message  # what is said about files that cannot be written


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: its `key` without the prefix of the store, its size in bytes, and when it was
    changed, in seconds since the epoch."""

    key: str
    size: int
    changed_at: float


class ObjectStore:
    """The objects of a bucket whose keys begin with a prefix. Thread-safe.

    All methods raise `StoreError` if the store does not answer or refuses.
    """

    def __init__(self, url: str) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise StoreError(
                "MEDIA_STORE needs boto3: python -m pip install --editable '.[s3]'"
            ) from error
        self.url = url
        parts = urlsplit(url)
        self._bucket = parts.netloc
        self._prefix = f"{path}/" if (path := parts.path.strip("/")) else ""
        options = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
            max_pool_connections=MAX_CONNECTIONS,
        )
        with self._errors():
            self._client: Any = boto3.client("s3", config=options)

    def put(self, key: str, content: bytes) -> None:
        """Store an object, in place of an earlier one."""
        with self._errors():
            self._client.put_object(Body=content, **self._name(key))

    def get(self, key: str) -> bytes | None:
        """The content of an object; None if there is none."""
        with self._errors(), self._unless_missing():
            return bytes(self._client.get_object(**self._name(key))["Body"].read())
        return None

    def find(self, key: str) -> StoredObject | None:
        """An object without its content; None if there is none."""
        with self._errors(), self._unless_missing():
            found = self._client.head_object(**self._name(key))
            changed_at = found["LastModified"].timestamp()
            return StoredObject(key, found["ContentLength"], changed_at)
        return None

    def touch(self, key: str) -> None:
        """Make an object as recent as a new one, if it exists."""
        name = self._name(key)
        with self._errors(), self._unless_missing():
            self._client.copy_object(CopySource=name, MetadataDirective="REPLACE", **name)

    def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        with self._errors():
            self._client.delete_object(**self._name(key))

    def list(self, start: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `start`, in the order of their keys."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + start
        )
        with self._errors():
            for page in pages:
                for it in page.get("Contents", ()):
                    key = it["Key"].removeprefix(self._prefix)
                    yield StoredObject(key, it["Size"], it["LastModified"].timestamp())

    def _name(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            reason = " ".join(str(error).split())
            raise StoreError(f"the store {self.url} cannot be used: {reason}") from error

    @contextmanager
    def _unless_missing(self) -> Iterator[None]:
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in MISSING:
                raise


def object_store() -> ObjectStore | None:
    """The store in use; None if pictures are files alone.

    Raises:
        StoreError: boto3 is missing, or has no region.
    """
    url = config.settings().media_store
    return _opened(url) if url else None


@lru_cache(maxsize=4)
def _opened(url: str) -> ObjectStore:
    return ObjectStore(url)
