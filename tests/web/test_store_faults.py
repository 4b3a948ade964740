"""The store's faults as the doors tell them: made for real, told with a way out, and gone when their cause is."""

from __future__ import annotations

from pathlib import Path

from tests.store.disks import filled, small_disk
from tests.web.house import House, feature, opened


async def post_until_full(house: House, staff: dict[str, str]) -> int:
    """Post works until one is refused with 503; return how many were accepted."""
    for number in range(10_000):
        answer = await house.ask("POST", "/v1/works", json=feature(f"{number}", description="x" * 3000), headers=staff)
        if answer.status != 201:
            problem = answer.json()
            assert (answer.status, problem["code"], problem["temporary"]) == (503, "store-full", True)
            assert int(answer.headers["Retry-After"]) > 0
            return number
    raise AssertionError


async def test_a_full_disk_is_503_loses_nothing_and_recovers(tmp_path: Path) -> None:
    """While the disk is full writes are refused and reads go on; with room again writes go on without a restart."""
    with small_disk(tmp_path / "disk", size_kib=8192) as disk:
        async with opened(disk) as house:
            staff = await house.as_role()
            with filled(disk):
                accepted = await post_until_full(house, staff)
                assert len((await house.ask("GET", "/v1/works")).json()["features"]) == accepted
                assert (await house.ask("GET", "/health/live")).status == 200
            assert (await house.ask("POST", "/v1/works", json=feature(), headers=staff)).status == 201
        async with opened(disk) as house:
            assert len((await house.ask("GET", "/v1/works")).json()["features"]) == accepted + 1
