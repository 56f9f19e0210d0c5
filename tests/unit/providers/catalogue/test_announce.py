from devenv.model.unit import Endpoint
from devenv.providers.catalogue.announce import credentials, endpoint_variables


def test_a_name_becomes_a_variable():
    variables = endpoint_variables("my-cache", Endpoint("127.84.1.2", 6379))

    assert variables == {"MY_CACHE_HOST": "127.84.1.2", "MY_CACHE_PORT": "6379"}


def test_no_character_of_a_password_ends_its_place_in_a_url():
    assert credentials("app", "p@ss:w/rd#?ü") == "app:p%40ss%3Aw%2Frd%23%3F%C3%BC"
