from fakes.programs import make_program

from devenv.model.spec import MongoDB
from devenv.model.unit import Endpoint
from devenv.providers.catalogue.mongodb import MongoDBKind

KIND = MongoDBKind()


def test_it_is_missing_until_one_of_both_is_there(bin_folder):
    assert KIND.missing(str(bin_folder)) == "mongod or FerretDB"
    make_program(bin_folder, "devenv-ferretdb")
    assert KIND.missing(str(bin_folder)) is None


def test_mongod_is_preferred(place, bin_folder):
    make_program(bin_folder, "devenv-ferretdb")
    mongod = make_program(bin_folder, "mongod")

    argv = KIND.run(MongoDB(), place).argv

    assert argv[0] == str(mongod)
    assert "--bind_ip=127.84.1.2" in argv
    assert f"--dbpath={place.data}" in argv


def test_data_that_ferretdb_made_stays_with_it(place, bin_folder):
    ferretdb = make_program(bin_folder, "devenv-ferretdb")
    make_program(bin_folder, "mongod")
    place.data.mkdir()
    (place.data / "app.sqlite").touch()

    argv = KIND.run(MongoDB(), place).argv

    assert argv == (str(ferretdb), "--listen=127.84.1.2:7000", f"--data={place.data}")


def test_it_is_announced_with_its_database():
    variables = KIND.variables("mongodb", MongoDB(database="shop"), Endpoint("127.84.1.2", 27017))

    assert variables["MONGODB_URI"] == "mongodb://127.84.1.2:27017/shop"
