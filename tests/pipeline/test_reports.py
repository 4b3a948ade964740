"""Reports at the desk: filed, released, moved on, withdrawn; what was taken back is nowhere any more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from shapely import Point

from geoworks.clock import ManualClock
from geoworks.config.settings import Data
from geoworks.errors import Conflict, Invalid, NotFound
from geoworks.ids import hash_secret
from geoworks.model.change import Op, Reason, Record
from geoworks.model.report import Report, ReportDerived, ReportStatus
from geoworks.pipeline import reports
from geoworks.pipeline.draft import report_key
from geoworks.pipeline.retention import Retention
from geoworks.store.sqlite import SqliteStore
from tests.pipeline.house import House, a_works, a_zone, open_house, put, put_zone

SECRET = "Camille-du-numero-12"
TOKEN = reports.link_token("r1", "s3cret")


def a_report(*, released: bool = False, at: tuple[float, float] = (2.3021, 48.6351)) -> Report:
    """Return a report beside `a_works`, with words that are nobody's business."""
    return Report(
        category="chaussee",
        geometry=Point(at),
        text=f"Un trou devant chez {SECRET}",
        place=f"12 rue de {SECRET}",
        photos=1,
        released=released,
        token_hash=hash_secret(TOKEN),
    )


def standing(house: House, id_: str = "r1") -> tuple[Record, Report, bytes]:
    """Return a report that stands, and what the public sees of it."""
    entry = house.state.get(report_key(id_))
    assert entry is not None
    return entry.record, reports.given_report(entry.record), entry.body


def files_with(words: str, folder: Path) -> list[str]:
    """Return the names of the files that hold some words."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if words.encode() in path.read_bytes()]


async def test_a_report_is_filed_with_its_first_step_and_joined(house: House) -> None:
    """It is received now, in its zone, beside its works, and the public sees neither words nor place."""
    await house.desk.submit(put_zone("gare", a_zone()))
    await house.rejoiner.refresh()
    await house.desk.submit(put("api:1"))
    await house.desk.submit(reports.file_report("r1", a_report()))
    record, report, body = standing(house)
    assert record.derived == ReportDerived(("gare",), ("api:1",))
    assert [(step.at, step.status) for step in report.steps] == [(house.clock.now(), ReportStatus.RECEIVED)]
    assert SECRET.encode() not in body
    assert house.told[-1].reason is Reason.CREATED


async def test_two_reports_do_not_share_an_id(house: House) -> None:
    """A second report under the same id is refused, the first stays."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    with pytest.raises(Conflict):
        await house.desk.submit(reports.file_report("r1", structs.replace(a_report(), category="autre")))
    assert standing(house)[1].category == "chaussee"


async def test_released_and_hidden_again(house: House) -> None:
    """A moderator shows words and place, and can hide them again; each is a version under the moderator's name."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    await house.desk.submit(reports.release("r1", released=True, actor="Mo"))
    assert SECRET.encode() in standing(house)[2]
    await house.desk.submit(reports.release("r1", released=False, actor="Mo"))
    assert SECRET.encode() not in standing(house)[2]
    versions = await house.store.versions(report_key("r1"))
    assert [(one.version, one.actor) for one in versions] == [(1, ""), (2, "Mo"), (3, "Mo")]


async def test_steps_are_kept_with_their_answers(house: House) -> None:
    """Each move is a step with its moment and answer; the same again says nothing new."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    house.clock.advance(timedelta(hours=2))
    await house.desk.submit(reports.move_on("r1", ReportStatus.ACCEPTED, "Nous venons demain.", actor="Mo"))
    await house.desk.submit(reports.move_on("r1", ReportStatus.ACCEPTED, actor="Mo"))
    report = standing(house)[1]
    assert report.status is ReportStatus.ACCEPTED
    assert [(step.status, step.answer) for step in report.steps] == [
        (ReportStatus.RECEIVED, ""),
        (ReportStatus.ACCEPTED, "Nous venons demain."),
    ]
    assert report.steps[1].at - report.steps[0].at == timedelta(hours=2)


@pytest.mark.parametrize(
    ("status", "reason"), [(ReportStatus.RESOLVED, Reason.ENDED), (ReportStatus.REFUSED, Reason.CANCELLED)]
)
async def test_closed_reports_leave_the_map(house: House, status: ReportStatus, reason: Reason) -> None:
    """A resolved or refused report is visible no more, and the change says why; opened again it is back."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    await house.desk.submit(reports.move_on("r1", status, actor="Mo"))
    entry = house.state.get(report_key("r1"))
    assert entry is not None
    assert (entry.keys.visible, house.told[-1].op, house.told[-1].reason) == (False, Op.PUT, reason)
    await house.desk.submit(reports.move_on("r1", ReportStatus.IN_PROGRESS, "Pas réglé, on y retourne.", actor="Mo"))
    assert house.state.shows(report_key("r1").kind, "r1")


async def test_only_the_author_withdraws(house: House) -> None:
    """A moderator cannot make a report withdrawn; what its author withdrew nobody moves or shows."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    with pytest.raises(Invalid, match="author"):
        await house.desk.submit(reports.move_on("r1", ReportStatus.WITHDRAWN, actor="Mo"))
    await house.desk.submit(reports.withdraw("r1"))
    with pytest.raises(Conflict):
        await house.desk.submit(reports.move_on("r1", ReportStatus.RECEIVED, actor="Mo"))
    with pytest.raises(Conflict):
        await house.desk.submit(reports.release("r1", released=True, actor="Mo"))


async def test_nobody_moves_what_is_not_there(house: House) -> None:
    """Every edit of an unknown report says that there is none."""
    for edit in (
        reports.release("no", released=True, actor="Mo"),
        reports.move_on("no", ReportStatus.ACCEPTED, actor="Mo"),
        reports.withdraw("no"),
    ):
        with pytest.raises(NotFound, match="no report"):
            await house.desk.submit(edit)


async def test_withdrawn_words_are_erased_everywhere(tmp_path: Path, clock: ManualClock) -> None:
    """After a withdrawal neither the state, the history nor a byte of the closed store's files holds the words."""
    async with open_house(SqliteStore(tmp_path, clock=clock), clock) as house:
        await house.desk.submit(reports.file_report("r1", a_report(released=True)))
        answer = f"Merci {SECRET}, nous venons."
        await house.desk.submit(reports.move_on("r1", ReportStatus.ACCEPTED, answer, actor="Mo"))
        await house.desk.submit(reports.withdraw("r1"))
        again = await house.desk.submit(reports.withdraw("r1"))
        record, report, body = standing(house)
        assert (report.status, report.text, report.place, report.photos) == (ReportStatus.WITHDRAWN, "", "", 0)
        assert [step.status for step in report.steps] == ["received", "accepted", "withdrawn"]
        assert (record.version, again.version) == (3, 3)
        assert [one.version for one in await house.store.versions(record.key)] == [3]
        assert SECRET.encode() not in body
        assert house.told[-1].reason is Reason.WITHDRAWN
    assert files_with(SECRET, tmp_path) == []


async def test_long_closed_reports_leave_no_history(house: House) -> None:
    """A closed report goes after the days that over features are kept, and its history with it."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    await house.desk.submit(reports.move_on("r1", ReportStatus.RESOLVED, actor="Mo"))
    house.clock.advance(timedelta(days=15))
    data = Data(keep_over_days=14)
    await Retention(house.state, house.desk, house.store, data=data, clock=house.clock, synced=set()).clean()
    assert house.state.get(report_key("r1")) is None
    assert list(await house.store.versions(report_key("r1"))) == []


async def test_links_find_their_report_and_nothing_else(house: House) -> None:
    """The whole token finds its report; every other text is answered in the same words."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    assert reports.find_by_token(house.state, TOKEN).key.id == "r1"
    words = set()
    for token in ("", "-", "r1", "r1-", "r1-s3cre", f"{TOKEN}x", "r2-s3cret", "é", "r1-\ud800", hash_secret(TOKEN)):
        with pytest.raises(NotFound) as caught:
            reports.find_by_token(house.state, token)
        words.add(str(caught.value))
    assert len(words) == 1


async def test_reports_follow_works_that_come_and_go(house: House) -> None:
    """A works that begins beside a report is linked to it, one that is over is not any more."""
    await house.desk.submit(reports.file_report("r1", a_report()))
    await house.desk.submit(put("api:1", a_works(title="Fuite")))
    await house.quiet()
    assert standing(house)[0].derived == ReportDerived((), ("api:1",))
    await house.advance(timedelta(days=2))
    assert standing(house)[0].derived == ReportDerived((), ())
