from devenv.model.unit import Endpoint, ServiceProbe


def test_an_endpoint_is_shown_as_clients_take_it():
    assert str(Endpoint("127.0.0.9", 3306)) == "127.0.0.9:3306"


def test_a_probe_does_not_show_its_password():
    probe = ServiceProbe("mysql", Endpoint("127.0.0.9", 3306), "me", "hunter2")
    assert "hunter2" not in repr(probe)
