"""The command as a stranger types it: exit status, one message, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

QUIET_IMPORTS = ("numpy", "torch", "pydicom", "openvino", "onnx", "matplotlib")


def discern(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "discern", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output folder of ``discern demo``."""
    out = tmp_path_factory.mktemp("demo") / "demo-output"
    done = discern("demo", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout
    return out


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic DICOM study."""
    out = tmp_path_factory.mktemp("phantom")
    done = discern("phantom", "--out", out, "--seed", "77")
    assert done.returncode == 0, done.stderr
    return out / "phantom-77-0" / "study"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from discern.cli.main import app\n"
        f"heavy = [name for name in {QUIET_IMPORTS} if name in sys.modules]\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_names_every_command() -> None:
    done = discern("--help")

    assert done.returncode == 0
    for command in (
        *("analyze", "demo", "phantom", "draw-network", "dataset", "train", "ablate"),
        *("evaluate", "compare-readers", "report-card"),
    ):
        assert command in done.stdout


def test_the_demo_leaves_findings_report_and_truth(demo: Path) -> None:
    assert {path.name for path in demo.iterdir()} == {
        "findings.json",
        "report.html",
        "truth.json",
    }
    findings = json.loads((demo / "findings.json").read_text())
    assert "synthetic" in [warning["code"] for warning in findings["warnings"]]


def test_the_demo_finds_every_true_disc_by_name(demo: Path) -> None:
    findings = json.loads((demo / "findings.json").read_text())
    truth = json.loads((demo / "truth.json").read_text())

    found = {disc["level"]: disc["pfirrmann"]["grade"] for disc in findings["discs"]}
    lumbar = {d["level"]: d["pfirrmann"] for d in truth["discs"] if d["level"] != "T11-T12"}
    assert set(lumbar) <= set(found)
    errors = [abs(found[level] - grade) for level, grade in lumbar.items()]
    assert max(errors) <= 1


def test_two_runs_give_identical_bytes_whatever_the_threads(phantom: Path, tmp_path: Path) -> None:
    for name, threads in (("a", "1"), ("b", "2"), ("c", "2")):
        assert (
            discern("analyze", phantom, "--out", tmp_path / name, "--threads", threads).returncode
            == 0
        )

    for name in ("findings.json", "report.html"):
        first = (tmp_path / "a" / name).read_bytes()
        assert first == (tmp_path / "b" / name).read_bytes() == (tmp_path / "c" / name).read_bytes()


def test_neither_paths_nor_time_are_in_the_findings(phantom: Path, tmp_path: Path) -> None:
    discern("analyze", phantom, "--out", tmp_path / "out")

    text = (tmp_path / "out" / "findings.json").read_text()
    assert str(phantom.parent) not in text
    assert "PHANTOM^" not in text


def test_no_socket_is_opened(phantom: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        # With the extra dicomweb, pydicom imports urllib3, which asks the kernel for IPv6 by
        # binding a loopback port for a moment; nothing is sent and nobody can connect.
        "allowed = {'socket.gethostname', 'socket.__new__'}\n"
        "def refuse(event, arguments):\n"
        "    probe = event == 'socket.bind' and arguments[1][:2] == ('::1', 0)\n"
        "    if event.startswith('socket.') and event not in allowed and not probe:\n"
        "        raise SystemExit(f'opened a socket: {event} {arguments}')\n"
        "sys.addaudithook(refuse)\n"
        f"sys.argv = ['discern', 'analyze', {str(phantom)!r}, '--out', {str(tmp_path)!r}]\n"
        "from discern.cli.main import run\n"
        "run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_lowest_level_can_be_overridden(phantom: Path, tmp_path: Path) -> None:
    done = discern("analyze", phantom, "--out", tmp_path / "out", "--lowest-level", "L6-S1")

    assert done.returncode == 0, done.stderr
    findings = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert findings["discs"][-1]["level"] == "L6-S1"
    assert findings["numbering"]["override"] == "lowest level L6-S1"


def test_a_disc_can_be_named_by_its_place(phantom: Path, tmp_path: Path) -> None:
    first = discern("analyze", phantom, "--out", tmp_path / "first")
    assert first.returncode == 0, first.stderr
    discs = json.loads((tmp_path / "first" / "findings.json").read_text())["discs"]
    place = ",".join(str(value) for value in discs[-2]["center_lps_mm"])

    done = discern("analyze", phantom, "--out", tmp_path / "out", "--anchor", f"L5-S1@{place}")

    assert done.returncode == 0, done.stderr
    findings = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert [disc["level"] for disc in findings["discs"][-2:]] == ["L5-S1", "S1-S2"]
    assert findings["numbering"]["override"].startswith("anchor L5-S1@")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--anchor", "L5-S1@900,0,0"), ("outside the sagittal series", "mm")),
        (("--anchor", "L7-S1@0,0,0"), ("no level 'L7-S1'", "L5-S1")),
        (("--anchor", "L5-S1"), ("LEVEL@x,y,z",)),
        (("--lowest-level", "L9"), ("no level 'L9'", "S1-S2")),
        (("--lowest-level", "L5-S1", "--anchor", "L5-S1@0,0,0"), ("give one of them",)),
    ],
)
def test_an_impossible_naming_is_refused_with_the_remedy(
    phantom: Path, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    failing(discern("analyze", phantom, "--out", tmp_path / "out", *options), 2, *words)
    assert not (tmp_path / "out").exists()


def failing(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    for word in words:
        assert word in done.stderr


def test_an_empty_folder_has_nothing_to_analyze(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    failing(discern("analyze", tmp_path / "empty", "--out", tmp_path / "out"), 3)
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_said_before_any_work(phantom: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")

    failing(discern("analyze", phantom, "--out", tmp_path / "out"), 2, "out", "--out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"not a network", None])
def test_bad_weights_are_refused(phantom: Path, tmp_path: Path, content: bytes | None) -> None:
    weights = tmp_path / "w.onnx"
    if content is not None:
        weights.write_bytes(content)

    done = discern("analyze", phantom, "--out", tmp_path / "out", "--weights", weights)

    failing(done, 2, "w.onnx")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing_half_written(phantom: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shell = f"ulimit -f 8; exec {sys.executable} -m discern analyze {phantom} --out {out}"

    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)

    failing(done, 2, "free some space")
    assert not out.exists() or not list(out.iterdir())


def test_an_unknown_operating_point_is_named(phantom: Path, tmp_path: Path) -> None:
    done = discern("analyze", phantom, "--out", tmp_path / "o", "--operating-point", "wild")

    failing(done, 2, "wild", "default")
