"""Settings for the tests: a real MySQL, and a Redis and a RabbitMQ that do not answer.

So the tests leave what a developer has in them alone, and show that the pages do without.
"""

from drund.settings import *  # noqa: F403

NOBODY_LISTENS = "127.0.0.1:1"

REDIS_URL = f"redis://{NOBODY_LISTENS}/0"
CELERY_BROKER_URL = f"amqp://{NOBODY_LISTENS}//"
