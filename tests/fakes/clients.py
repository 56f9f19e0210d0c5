"""Applications' own clients of the four services, as they would be used: write, and read again."""

from __future__ import annotations

from contextlib import closing

import amqp
import pymongo
import pymysql
import redis


class MySQL:
    """A table with a committed row."""

    def __init__(self, host: str) -> None:
        self._host = host

    def _connect(self) -> pymysql.Connection:
        return pymysql.connect(host=self._host, user="app", password="app", database="app")

    def write(self, text: str) -> None:
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute("create table if not exists kept (text text)")
            cursor.execute("insert into kept values (%s)", (text,))
            connection.commit()

    def read(self) -> list[str]:
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute("select text from kept")
            return [text for (text,) in cursor.fetchall()]


class Redis:
    """A list; the server has written its append-only file before it answers."""

    def __init__(self, host: str) -> None:
        self._host = host

    def write(self, text: str) -> None:
        with redis.Redis(self._host) as client:
            client.rpush("kept", text)

    def read(self) -> list[str]:
        with redis.Redis(self._host, decode_responses=True) as client:
            return client.lrange("kept", 0, -1)


class RabbitMQ:
    """A durable queue with persistent messages, each confirmed by the broker."""

    def __init__(self, host: str) -> None:
        self._host = host

    def _connect(self) -> amqp.Connection:
        return amqp.Connection(
            f"{self._host}:5672",
            userid="app",
            password="app",
            virtual_host="app",
            confirm_publish=True,
            connect_timeout=5,
        )

    def write(self, text: str) -> None:
        with self._connect() as connection, connection.channel() as channel:
            channel.queue_declare("kept", durable=True, auto_delete=False)
            message = amqp.Message(text, delivery_mode=2)
            channel.basic_publish(message, routing_key="kept")

    def read(self) -> list[str]:
        """Return all messages and leave them in the queue."""
        with self._connect() as connection, connection.channel() as channel:
            got = iter(lambda: channel.basic_get("kept"), None)
            return [message.body for message in got]


class MongoDB:
    """A collection with acknowledged documents."""

    def __init__(self, host: str) -> None:
        self._host = host

    def _client(self) -> pymongo.MongoClient:
        return pymongo.MongoClient(self._host, 27017, serverSelectionTimeoutMS=5000)

    def write(self, text: str) -> None:
        with self._client() as client:
            client.app.kept.insert_one({"text": text})

    def read(self) -> list[str]:
        with self._client() as client:
            return [document["text"] for document in client.app.kept.find()]


CLIENTS = {"mysql": MySQL, "redis": Redis, "rabbitmq": RabbitMQ, "mongodb": MongoDB}
SERVICES = "name: app\nservices:\n  mysql:\n  redis:\n  rabbitmq:\n  mongodb:\n"
