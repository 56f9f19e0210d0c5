"""Every kind of service, by the name that `type` has in `devenv.yml`."""

from __future__ import annotations

from collections.abc import Mapping

from devenv.providers.base import ServiceKind
from devenv.providers.catalogue.mongodb import MongoDBKind
from devenv.providers.catalogue.mysql import MySQLKind
from devenv.providers.catalogue.rabbitmq import RabbitMQKind
from devenv.providers.catalogue.redis import RedisKind

SERVICE_KINDS: Mapping[str, ServiceKind] = {
    "mysql": MySQLKind(),
    "redis": RedisKind(),
    "rabbitmq": RabbitMQKind(),
    "mongodb": MongoDBKind(),
}
