"""OpenAI's own client, pointed at a real server of ours."""

import base64
import threading
import time
from collections.abc import Callable, Iterator

import openai
import pytest
import toys

from strikebox.site import openai as ours
from strikebox.site.context import Site
from strikebox.site.pictures import Picture

Finish = Callable[..., Picture]


@pytest.fixture
def client(served: str, site: Site) -> Iterator[openai.OpenAI]:
    key = site.api_keys.create("friend", 100)
    with openai.OpenAI(base_url=f"{served}/v1", api_key=key, max_retries=0) as made:
        yield made


@pytest.mark.usefixtures("worker")
def test_a_picture_comes_as_base64(client: openai.OpenAI, site: Site) -> None:
    made = client.images.generate(
        prompt="cat", model="dall-e-3", size="1024x1024", response_format="b64_json", extra_body={"seed": 5}
    )
    assert made.data is not None and made.data[0].b64_json is not None
    assert base64.b64decode(made.data[0].b64_json).startswith(b"\x89PNG")
    (picture,) = site.pictures.page().pictures
    assert (picture.subject, picture.seed) == ("cat", 5)


@pytest.mark.usefixtures("worker")
def test_several_come_as_addresses(client: openai.OpenAI, site: Site, served: str) -> None:
    made = client.images.generate(prompt="owl", n=3)
    assert made.data is not None
    places = [f"{served}/pictures/{p.id}.png" for p in site.pictures.page().pictures]
    assert sorted(image.url or "" for image in made.data) == sorted(places)


@pytest.mark.usefixtures("worker")
def test_the_same_key_orders_once(client: openai.OpenAI, site: Site) -> None:
    key = {"Idempotency-Key": "one"}
    first = client.images.generate(prompt="owl", n=2, extra_headers=key)
    assert client.images.generate(prompt="owl", n=2, extra_headers=key).data == first.data
    assert len(site.pictures.page().pictures) == 2


@pytest.mark.usefixtures("worker")
def test_clients_without_a_key_are_everybody(served: str) -> None:
    with openai.OpenAI(base_url=f"{served}/v1", api_key="anonymous", max_retries=0) as anonymous:
        assert anonymous.images.generate(prompt="cat").data
        assert [model.id for model in anonymous.models.list()] == ["soft"]


def test_errors_are_theirs(client: openai.OpenAI, served: str, site: Site) -> None:
    with pytest.raises(openai.BadRequestError) as long:
        client.images.generate(prompt="c" * 201)
    assert (long.value.code, long.value.type) == ("invalid-subject", "invalid_request_error")
    with pytest.raises(openai.BadRequestError) as many:
        client.images.generate(prompt="cat", n=99)
    assert many.value.param == "n"
    forged = openai.OpenAI(base_url=f"{served}/v1", api_key="sk-forged", max_retries=0)
    with forged, pytest.raises(openai.AuthenticationError):
        forged.images.generate(prompt="cat")
    poor = site.api_keys.create("poor", 1)
    other = openai.OpenAI(base_url=f"{served}/v1", api_key=poor, max_retries=0)
    with other, pytest.raises(openai.RateLimitError) as fast:
        other.images.generate(prompt="cat", n=2)
    assert fast.value.code == "too-many"
    assert site.queue.count() == {"cancelled": 1}, "all or none are ordered"


def test_a_real_worker_makes_what_is_asked_for(client: openai.OpenAI, site: Site) -> None:
    def work() -> None:
        toys.until(lambda: bool(site.queue.count()))
        toys.work(site, toys.parts())

    thread = threading.Thread(target=work)
    thread.start()
    made = client.images.generate(prompt="cat", n=2, response_format="b64_json", extra_body={"seed": 1})
    thread.join()
    assert made.data is not None
    files = [base64.b64decode(image.b64_json or "") for image in made.data]
    assert files[0] != files[1] and all(file.startswith(b"\x89PNG") for file in files)
    first, second = sorted(site.pictures.page().pictures, key=lambda picture: picture.seed)
    assert (first.seed, second.seed) == (1, 2) and files[0] == site.media.read(first.file)


def test_what_is_withheld_is_told(client: openai.OpenAI, finish: Finish) -> None:
    timer = threading.Timer(0.3, finish, ["withheld"])
    timer.start()
    with pytest.raises(openai.BadRequestError) as error:
        client.images.generate(prompt="cat")
    timer.join()
    assert error.value.code == "content_policy_violation"


def test_a_worker_that_never_comes(
    client: openai.OpenAI, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "LONGEST_WAIT", 0.5)
    client.max_retries = 2  # which the answer forbids
    with pytest.raises(openai.InternalServerError) as error:
        client.images.generate(prompt="cat")
    assert error.value.status_code == 504 and "Idempotency-Key" in error.value.message
    assert site.queue.count() == {"cancelled": 1}
    with pytest.raises(openai.InternalServerError):
        client.images.generate(prompt="cat", extra_headers={"Idempotency-Key": "k"})
    assert site.queue.count() == {"cancelled": 1, "waiting": 1}, "under a key it goes on"


def test_who_leaves_gets_nothing_made(client: openai.OpenAI, site: Site) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.5).images.generate(prompt="cat")
    until = time.monotonic() + 10
    while site.queue.count() != {"cancelled": 1} and time.monotonic() < until:
        time.sleep(0.05)
    assert site.queue.count() == {"cancelled": 1}
