"""Who goes next in a session, decided step by step at times that the test says."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest

from treadle.runtime import RunControl, Turn
from treadle.runtime.requests import AWAY_SECONDS, TURN_SECONDS, Request, RequestQueue

MOMENT = AWAY_SECONDS / 10


class Scene:
    """A queue with a clock of its own, and clients that are threads."""

    def __init__(self, places: int) -> None:
        self.now = 0.0
        self.queue = RequestQueue(places, lambda: self.now)
        self._numbers = itertools.count()

    def request(self, priority: int = 0, *, waits: bool = True) -> Request:
        turn = Turn() if waits else None
        return Request((-priority, next(self._numbers)), RunControl(), turn)

    def comes(self, client: Client, priority: int = 0) -> Request:
        """`client` comes with a request."""
        request = self.request(priority)
        client.does(lambda: self.queue.enter(request))
        return request

    def leaves(self, client: Client, request: Request) -> None:
        client.does(lambda: self.queue.leave(request))

    def wakes(self, client: Client, request: Request) -> None:
        """`client`, whose request was granted, runs again."""
        assert request.is_granted
        client.does(self.queue.begin_turn)

    def granted(self, *requests: Request) -> list[bool]:
        return [request.is_granted for request in requests]


class Client:
    """A thread that does one thing after the other."""

    def __init__(self) -> None:
        self._work: list[Callable[[], object]] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work)
                self._work[0]()
                self._work.clear()
                self._changed.notify_all()

    def does(self, work: Callable[[], object]) -> None:
        """Let the thread do it; returns when it is done."""
        with self._changed:
            self._work.append(work)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: not self._work, 30)


@pytest.fixture(scope="module")
def clients() -> list[Client]:
    return [Client() for _ in range(4)]


def crowded(clients: list[Client]) -> tuple[Scene, list[Request]]:
    """One place, which the first client has and in whose turn it is; the others wait."""
    scene = Scene(1)
    before = scene.request()
    scene.queue.enter(before)
    requests = [scene.comes(client) for client in clients]
    scene.queue.leave(before)
    scene.wakes(clients[0], requests[0])
    assert scene.granted(*requests) == [True, False, False, False]
    return scene, requests


def test_as_many_run_as_there_are_places(clients: list[Client]) -> None:
    scene = Scene(2)
    requests = [scene.comes(client) for client in clients]
    assert scene.granted(*requests) == [True, True, False, False]
    scene.leaves(clients[1], requests[1])
    assert scene.granted(*requests) == [True, True, True, False]
    scene.leaves(clients[0], requests[0])
    assert all(scene.granted(*requests))


def test_who_has_its_turn_comes_back_before_those_that_wait(clients: list[Client]) -> None:
    scene, requests = crowded(clients)
    mine = requests[0]
    for _ in range(4):
        scene.now += TURN_SECONDS / 5
        scene.leaves(clients[0], mine)
        assert scene.granted(*requests[1:]) == [False] * 3
        scene.now += MOMENT
        mine = scene.comes(clients[0])
        assert mine.is_granted
    scene.now += TURN_SECONDS
    scene.leaves(clients[0], mine)
    assert scene.granted(*requests[1:]) == [True, False, False]
    assert not scene.comes(clients[0]).is_granted


def test_a_place_that_was_kept_in_vain_goes_to_the_next(clients: list[Client]) -> None:
    scene, requests = crowded(clients)
    scene.leaves(clients[0], requests[0])
    first, last = requests[1], requests[3]
    scene.now += MOMENT
    assert scene.queue.watches(last)
    assert not scene.queue.watches(first)
    assert not first.is_granted
    scene.now += AWAY_SECONDS
    assert scene.queue.watches(last)
    assert scene.granted(*requests[1:]) == [True, False, False]
    assert not scene.comes(clients[0]).is_granted


def test_for_who_stayed_away_no_place_is_kept_the_next_time(clients: list[Client]) -> None:
    scene, requests = crowded(clients)
    scene.leaves(clients[0], requests[0])
    scene.now += AWAY_SECONDS * 2
    late = scene.comes(clients[0])
    assert late.is_granted
    scene.leaves(clients[0], late)
    assert requests[1].is_granted


def test_no_place_is_kept_where_nobody_watches(clients: list[Client]) -> None:
    scene, requests = crowded(clients)
    scene.queue.drop(requests[3])
    scene.leaves(clients[0], requests[0])
    assert scene.granted(*requests[1:]) == [True, False, False]


def test_a_higher_priority_goes_before_a_turn(clients: list[Client]) -> None:
    scene, requests = crowded(clients)
    scene.leaves(clients[0], requests[0])
    urgent = scene.comes(clients[1], priority=1)
    assert not scene.comes(clients[0]).is_granted
    assert urgent.is_granted


def test_who_gives_up_makes_room(clients: list[Client]) -> None:
    scene = Scene(1)
    requests = [scene.comes(client) for client in clients]
    assert scene.queue.drop(requests[1])
    assert not scene.queue.drop(requests[1])
    assert not scene.queue.drop(requests[0])
    assert scene.granted(*requests) == [True, False, True, False]
    assert scene.queue.num_granted == 1


def test_requests_without_a_thread_are_started(clients: list[Client]) -> None:
    scene = Scene(1)
    started: list[int] = []
    requests = [scene.request(waits=False) for _ in range(3)]
    for number, request in enumerate(requests):
        request.start = lambda number=number: started.append(number)
        scene.queue.add(request)
    assert started == [0]
    for request in requests:
        scene.queue.leave(request)
    assert started == [0, 1, 2]
    assert scene.queue.num_granted == 0
