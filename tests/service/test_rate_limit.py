"""How often one client may ask, worked out by hand."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from service.rate_limit import Allowance, SharedAllowance, client_of

#: Asks as one client, all at once, and prints how many went through.
_ASK = """
import sys
from pathlib import Path
from service.rate_limit import SharedAllowance
allowance = SharedAllowance(Path(sys.argv[1]), per_minute=600)
print(sum(allowance.take("a", now=5.0) == 0 for _ in range(1_000)))
"""


def test_a_burst_goes_through_and_then_one_at_a_time() -> None:
    # 60 a minute is one a second; ten seconds' worth may come at once.
    allowance = Allowance(per_minute=60)

    assert [allowance.take("a", now=0.0) for _ in range(10)] == [0.0] * 10
    assert allowance.take("a", now=0.0) == pytest.approx(1.0)
    assert allowance.take("a", now=0.4) == pytest.approx(0.6)
    assert allowance.take("a", now=1.0) == 0.0
    assert allowance.take("a", now=1.0) == pytest.approx(1.0)


def test_what_is_refused_costs_no_allowance() -> None:
    allowance = Allowance(per_minute=6)
    assert allowance.take("a", now=0.0) == 0.0

    waits = [allowance.take("a", now=1.0) for _ in range(100)]

    assert waits == [pytest.approx(9.0)] * 100
    assert allowance.take("a", now=10.0) == 0.0


def test_a_rate_of_less_than_one_in_ten_seconds_lets_one_through() -> None:
    allowance = Allowance(per_minute=1)

    assert allowance.take("a", now=0.0) == 0.0
    assert allowance.take("a", now=30.0) == pytest.approx(30.0)
    assert allowance.take("a", now=60.0) == 0.0


def test_over_an_hour_no_more_goes_through_than_the_rate_and_one_burst() -> None:
    allowance = Allowance(per_minute=60)

    through = sum(allowance.take("a", now=at / 10) == 0.0 for at in range(36_000))

    assert 3_600 <= through <= 3_610


def test_clients_do_not_pay_for_each_other_and_only_so_many_are_remembered() -> None:
    allowance = Allowance(per_minute=6, max_clients=2)

    assert [allowance.take(client, now=0.0) for client in "abc"] == [0.0] * 3
    assert allowance.take("c", now=0.0) > 0
    assert allowance.take("a", now=0.0) == 0.0  # forgotten when c came


def test_a_shared_allowance_refuses_what_one_of_a_single_process_does(tmp_path: Path) -> None:
    alone = Allowance(per_minute=60)
    shared = [SharedAllowance(tmp_path / "allowances", per_minute=60) for _ in range(2)]
    source, now = random.Random(1), 0.0

    for _ in range(2_000):
        now += source.choice([0.0, 0.3, 2.0])
        client = source.choice("ab")
        assert source.choice(shared).take(client, now=now) == alone.take(client, now=now)


def test_processes_that_take_at_once_let_through_no_more_than_one_would(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _ASK, str(tmp_path / "allowances")]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    # 600 a minute are ten a second, of which ten seconds' worth may come at once.
    assert sum(int(each.communicate()[0]) for each in asking) == 100


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_version_6_network(host: str, client: str) -> None:
    assert client_of({"client": (host, 1)}) == client


def test_a_client_without_an_address_is_one_client() -> None:
    assert client_of({}) == client_of({"client": None}) == ""
