"""Forms: given to one person, for an hour, taken once."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from console.entrance import Person, Role, Shut
from console.forms import LIFE, Forms
from shared.errors import StoreUnavailable
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock

PETRA = Person(name="Petra", id="p", roles=frozenset({Role.APPROVER}))
ROBIN = Person(name="Robin", id="r", roles=frozenset({Role.APPROVER}))
CLIENT = Person(name="Petra", id="p", roles=frozenset({Role.APPROVER}), by_header=True)


@pytest.fixture
def forms(store: EmbeddedStore, clock: VirtualClock) -> Forms:
    return Forms(store, clock.now)


def refused(forms: Forms, person: Person, token: str) -> int:
    with pytest.raises(Shut) as raised:
        forms.spend(person, token)
    return raised.value.status


def test_a_form_is_taken_once(forms: Forms) -> None:
    first, second = forms.token(PETRA), forms.token(PETRA)
    forms.spend(PETRA, first)
    assert refused(forms, PETRA, first) == 409
    forms.spend(PETRA, second)


def test_any_instance_takes_what_another_gave(store: EmbeddedStore, clock: VirtualClock) -> None:
    """And none of them twice."""
    one, other = Forms(store, clock.now), Forms(store, clock.now)
    token, later = one.token(PETRA), other.token(PETRA)
    other.spend(PETRA, token)
    one.spend(PETRA, later)
    assert refused(one, PETRA, token) == 409


@pytest.mark.parametrize("where", ["memory", "file"])
def test_of_many_who_send_one_form_one_is_heard(
    clock: VirtualClock, tmp_path: Path, where: str
) -> None:
    """Threads over one store, and over stores that share a file, as instances do."""
    path = tmp_path / "state.db" if where == "file" else None
    shared = EmbeddedStore(clock.now, path)
    token, heard, start = Forms(shared, clock.now).token(PETRA), [], threading.Barrier(8)

    def send() -> None:
        store = EmbeddedStore(clock.now, path) if path else shared
        forms = Forms(store, clock.now)
        start.wait()
        try:
            forms.spend(PETRA, token)
        except Shut as shut:
            heard.append(shut.status)
        else:
            heard.append(200)
        if path:
            store.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    shared.close()
    assert sorted(heard) == [200, *[409] * 7]


def test_instances_that_begin_at_once_agree_on_the_secret(
    clock: VirtualClock, tmp_path: Path
) -> None:
    start, given = threading.Barrier(8), []
    stores = [EmbeddedStore(clock.now, tmp_path / "state.db") for _ in range(8)]

    def begin(store: Store) -> None:
        start.wait()
        given.append(Forms(store, clock.now).token(PETRA))

    threads = [threading.Thread(target=begin, args=(one,)) for one in stores]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for token in given:
        Forms(stores[0], clock.now).spend(PETRA, token)
    for store in stores:
        store.close()


def test_a_form_is_for_whom_it_was_given(forms: Forms) -> None:
    token = forms.token(PETRA)
    assert refused(forms, ROBIN, token) == 403
    forms.spend(PETRA, token)


def test_a_form_is_good_for_an_hour(forms: Forms, clock: VirtualClock) -> None:
    early, late = forms.token(PETRA), forms.token(PETRA)
    clock.advance(LIFE - timedelta(seconds=1))
    forms.spend(PETRA, early)
    clock.advance(timedelta(seconds=1))
    assert refused(forms, PETRA, late) == 403
    assert refused(forms, PETRA, early) == 403


def test_forged_forms_are_refused(forms: Forms, clock: VirtualClock) -> None:
    """Every part of a token counts; what is no token is no error of ours."""
    issued, nonce, signature = forms.token(PETRA).split(".")
    forged = [
        f"{int(issued) + 60}.{nonce}.{signature}",
        f"{issued}.{nonce[::-1]}.{signature}",
        f"{issued}.{nonce}.{signature[::-1]}",
        f"{issued}.{nonce}.",
        f"{issued}.{nonce}.{'0' * 64}",
        f"0{issued}.{nonce}.x",
        f"{'9' * 11}.{nonce}.{signature}",
        f"{'9' * 5000}.{nonce}.{signature}",
        "²³.x.y",
        "-1.x.y",
        "..",
        "",
        "ä",
    ]
    assert [refused(forms, PETRA, one) for one in forged] == [403] * len(forged)
    forms.spend(PETRA, f"{issued}.{nonce}.{signature}")


def test_state_begun_anew_is_noticed(clock: VirtualClock, store: EmbeddedStore) -> None:
    """Forms signed with the old secret are gone, and new ones of any instance are good."""
    forms = Forms(store, clock.now)
    forms.token(PETRA)
    store.delete("forms", "secret", "secret")
    other = Forms(store, clock.now)
    forms.spend(PETRA, other.token(PETRA))
    other.spend(PETRA, forms.token(PETRA))


def test_a_request_with_its_own_proof_needs_no_form(forms: Forms) -> None:
    """No other site can make a browser send `Authorization`."""
    forms.spend(CLIENT, "")
    forms.spend(CLIENT, "")


def test_spent_forms_are_forgotten_when_no_clock_takes_them(
    forms: Forms, store: EmbeddedStore, clock: VirtualClock
) -> None:
    """An hour after their end; state does not grow with use."""
    for _ in range(5):
        forms.spend(PETRA, forms.token(PETRA))
    clock.advance(LIFE)
    forms.spend(PETRA, forms.token(PETRA))
    assert len(list(store.scan("forms", "spent"))) == 6
    clock.advance(timedelta(hours=1, seconds=1))
    forms.spend(PETRA, forms.token(PETRA))
    assert len(list(store.scan("forms", "spent"))) == 2


class Away(EmbeddedStore):
    """A store that takes nothing."""

    def insert(self, *_: object) -> str:
        raise StoreUnavailable("away")


def test_what_cannot_be_told_is_not_taken(
    clock: VirtualClock, store: EmbeddedStore, forms: Forms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While state is away no form counts as given or spent."""
    token = forms.token(PETRA)
    with monkeypatch.context() as patch:
        patch.setattr(store, "insert", Away.insert.__get__(store))
        with pytest.raises(StoreUnavailable):
            forms.spend(PETRA, token)
    forms.spend(PETRA, token)
