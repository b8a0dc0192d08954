from __future__ import annotations

import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from ax_anasod.cells import Cell
from ax_anasod.cli.serve import make_server
from ax_anasod.cli.show import _look
from ax_anasod.cli.watch import RunSnapshot, watch
from ax_anasod.exceptions import RunError
from ax_anasod.journal import Journal
from ax_anasod.nasbench import TableBenchmark
from ax_anasod.runs import RunFolder, Search, plan_run
from tests.cli.conftest import OPERATIONS, Command, rows, write_table


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four trials."""
    folder = tmp_path_factory.mktemp("finished")
    cell = Cell("mine", OPERATIONS, 3)
    benchmark = TableBenchmark(write_table(folder / "table.csv", rows()), cell, accuracy="valid")
    config = plan_run(benchmark, "random", {}, trials=4)
    with RunFolder.create(folder / "run", config) as run:
        search = Search(config, benchmark, run.journal)
        search.run(4)
    (folder / "run/report.html").write_text("<!doctype html><p>the report</p>")
    return folder / "run"


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def cut(out: Path) -> Path:
    """The run when it had two of its trials."""
    journal = out / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:4]))
    return out


def test_a_run_is_shown_again_until_it_ends(
    cut: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ax_anasod.cli.watch.SECONDS_BETWEEN_LOOKS", 0.0)
    looks = []
    with Journal(cut / "journal.jsonl") as journal:

        def look() -> RunSnapshot:
            looks.append(_look(cut, None))
            if len(looks) == 3:
                journal.close()
            return looks[-1]

        watch(look)
    said = capsys.readouterr().out.splitlines()
    assert [snapshot.running for snapshot in looks] == [True, True, True, False]
    # A line for each change only.
    assert said[0].startswith("running, 2 of 4 trials, about ")
    assert " left, best valid_error " in said[0]
    assert sum(line.startswith("running") for line in said) == 1
    assert any("stopped at 2 of 4 trials" in line for line in said)


def test_ctrl_c_ends_looking_and_nothing_else(cut: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with Journal(cut / "journal.jsonl") as journal:
        watch(lambda: _look(cut, None))
        assert len(journal.records) == 2


def test_watch_of_a_finished_run_is_show(command: Command, out: Path) -> None:
    shown, watched = command("show", out), command("show", out, "--watch")

    assert watched.code == 0
    assert watched.out.split() == shown.out.split()


@pytest.mark.parametrize("flag", ["--watch", "--serve=0"])
def test_json_is_for_one_look(refused: Callable[..., str], out: Path, flag: str) -> None:
    assert "--json is not for" in refused("show", out, flag, "--json")


def test_one_looks_in_a_terminal_or_in_a_browser(refused: Callable[..., str], out: Path) -> None:
    assert "take one of them" in refused("show", out, "--watch", "--serve", 0)


@pytest.fixture
def server(cut: Path) -> Iterator[ThreadingHTTPServer]:
    with make_server(lambda: _look(cut, None), cut / "report.html", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: ThreadingHTTPServer, path: str, host: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.server_port}{path}")
    if host is not None:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_page_follows_the_run_and_links_its_report(
    server: ThreadingHTTPServer, cut: Path
) -> None:
    status, page = get(server, "/")
    assert status == 200
    assert "stopped at 2 of 4 trials" in page
    assert "refresh" not in page
    with Journal(cut / "journal.jsonl"):
        running = get(server, "/")[1]
    assert "running, 2 of 4 trials" in running
    assert '<meta http-equiv="refresh"' in running
    report = (cut / "report.html").read_text()
    assert get(server, "/report.html") == (200, report)
    (cut / "report.html").unlink()
    assert get(server, "/report.html")[0] == 404
    assert "report.html" not in get(server, "/")[1]


def test_only_this_machine_and_these_pages_are_served(
    server: ThreadingHTTPServer, cut: Path
) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert get(server, "/config.json")[0] == 404
    assert get(server, "/../config.json")[0] == 404
    # A page of another site whose name leads here.
    assert get(server, "/", "evil.example:80")[0] == 403
    (cut / "journal.jsonl").write_text("damaged")
    status, text = get(server, "/")
    assert status == 404
    assert "is not the journal of a run" in text


def test_a_port_that_is_taken_or_none_is_refused(
    server: ThreadingHTTPServer, refused: Callable[..., str], cut: Path
) -> None:
    assert "Address already in use" in refused("show", cut, "--serve", server.server_port)
    assert "no such port" in refused("show", cut, "--serve", 99_999)


def test_a_run_that_is_gone_ends_watching(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        watch(lambda: _look(tmp_path / "none", None))
