from devenv.providers.catalogue.folder import make_folder


def test_a_missing_folder_is_made_for_its_owner_alone(place):
    job = make_folder(place)

    assert job.argv == ("mkdir", "-p", "-m", "700", str(place.data))


def test_a_folder_that_is_there_needs_no_job(place):
    place.data.mkdir()

    assert make_folder(place) is None
