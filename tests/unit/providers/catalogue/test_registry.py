from devenv.model.spec import SERVICE_TYPES
from devenv.providers.base import ServiceKind
from devenv.providers.catalogue import SERVICE_KINDS
from devenv.providers.catalogue.mongodb import MongoDBKind
from devenv.providers.catalogue.mysql import MySQLKind
from devenv.providers.catalogue.rabbitmq import RabbitMQKind
from devenv.providers.catalogue.redis import RedisKind
from devenv.system.paths import data_folder

FITS: tuple[ServiceKind, ...] = (MySQLKind(), RedisKind(), RabbitMQKind(), MongoDBKind())


def test_every_type_of_the_configuration_has_its_kind():
    assert set(SERVICE_KINDS) == set(SERVICE_TYPES)


def test_every_kind_has_its_install_script():
    for kind in SERVICE_KINDS.values():
        assert (data_folder("provisioning") / kind.provisioning / "install.sh").is_file()
