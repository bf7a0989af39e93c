import os
import signal
import subprocess
import sys

import pytest

from llmhub.embedded.errors import StartFailed
from llmhub.embedded.leftovers import leftovers_end, pid_file_open
from llmhub.embedded.processes import Program, log_trim, process_start, telling_line, wait_ready
from tests.hub_process import is_alive, kill_quietly
from tests.servers import Folder
from tests.waiting import wait_until

SIGNALS = ((signal.SIGTERM, 0.2), (signal.SIGKILL, 10.0))


def _python(code: str, **options: object) -> Program:
    defaults = {"name": "child", "argv": (sys.executable, "-c", code)}
    return Program(**(defaults | options))  # type: ignore[arg-type]


def test_it_reports_what_a_program_said_before_it_ended(folder: Folder) -> None:
    process = folder.start(_python("import sys; sys.exit('FATAL: no such thing')"))
    with pytest.raises(StartFailed, match="child stopped while starting: FATAL: no such thing"):
        wait_ready(process, lambda: False, timeout_s=30)


def test_it_names_a_program_that_does_not_exist(folder: Folder) -> None:
    with pytest.raises(StartFailed, match=r"Cannot start child: .*/no/such/program"):
        folder.start(Program(name="child", argv=("/no/such/program",)))


def test_a_program_gets_its_input_and_nothing_of_our_environment(folder: Folder) -> None:
    code = "import os, sys; print(sys.stdin.read(), sorted(set(os.environ) - {'LC_CTYPE'}))"
    process = folder.start(_python(code, stdin="a secret", env={"ONE": "1"}))
    wait_until(lambda: process.exit_code() == 0)
    assert process.last_words() == "a secret ['ONE']"


def test_one_that_ignores_the_stop_signal_is_killed(folder: Folder) -> None:
    code = (
        "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    )
    process = folder.start(_python(code, stop_timeout_s=0.1))
    wait_until(lambda: process.last_words() == "up")
    process.stop()
    assert process.exit_code() == -signal.SIGKILL


def test_a_name_runs_once(folder: Folder) -> None:
    folder.start(_python("import signal; signal.pause()"))
    with pytest.raises(StartFailed, match="Another child still runs"):
        folder.start(_python("pass"))


def test_what_a_killed_supervisor_left_is_ended(folder: Folder) -> None:
    """The middle process is a supervisor; without its pdeathsig, as on other systems than Linux."""
    run = folder.path / "run"
    run.mkdir()
    supervisor = f"""
import os, pathlib
from llmhub.embedded import processes
processes._prctl = None
folder = pathlib.Path({str(folder.path)!r})
stubborn = "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"
program = processes.Program(name="orphan", argv=({sys.executable!r}, "-c", stubborn))
print(processes.process_start(program, run_dir=folder / "run", log_dir=folder).pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", supervisor], check=False, capture_output=True)
    orphan = int(done.stdout)
    try:
        assert is_alive(orphan)
        assert leftovers_end(run, signals=SIGNALS) == ["orphan"]
        assert not is_alive(orphan)
    finally:
        kill_quietly(orphan)


def test_a_number_that_another_process_has_since_is_not_signalled(folder: Folder) -> None:
    run = folder.path / "run"
    run.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (run / "old.pid").write_text(str(stranger.pid), encoding="ascii")
        assert leftovers_end(run, signals=SIGNALS) == []
        assert stranger.poll() is None
        stranger.kill()
    assert list(run.iterdir()) == []


def test_a_process_that_cannot_be_ended_is_named(folder: Folder) -> None:
    run = folder.path / "run"
    run.mkdir()
    held = pid_file_open(run, "model")
    with pytest.raises(StartFailed, match="model of an earlier run"):
        leftovers_end(run, signals=((signal.SIGTERM, 0.05),))
    os.close(held)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's parent-death signal")
def test_a_child_follows_its_supervisor(folder: Folder) -> None:
    supervisor = f"""
import os, pathlib
from llmhub.embedded.processes import Program, process_start
folder = pathlib.Path({str(folder.path)!r})
program = Program(name="child", argv=({sys.executable!r}, "-c", "import signal; signal.pause()"))
print(process_start(program, run_dir=folder, log_dir=folder).pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", supervisor], check=False, capture_output=True)
    wait_until(lambda: not is_alive(int(done.stdout)))


def test_a_long_log_is_set_aside_while_its_process_writes_on(folder: Folder) -> None:
    code = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print('x' * 10_000_000, flush=True)
signal.sigwait({signal.SIGUSR1})
print('more')
"""
    process = folder.start(_python(code))
    log = folder.path / "log" / "child.log"
    wait_until(lambda: log.exists() and log.stat().st_size == 10_000_001)
    log_trim(log)
    os.kill(process.pid, signal.SIGUSR1)
    wait_until(lambda: process.exit_code() == 0)
    assert log.read_bytes() == b"more\n"
    assert (folder.path / "log" / "child.log.1").stat().st_size == 10_000_001


def test_a_short_log_stays(folder: Folder) -> None:
    log = folder.path / "web.log"
    log.write_bytes(b"x")
    log_trim(log)
    assert log.read_bytes() == b"x"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", "it said nothing"),
        ("starting\nlistening\n", "listening"),
        ("FATAL: port in use\nshut down\n", "FATAL: port in use"),
        ("x: No space left on device\nPANIC: aborted\n", "x: No space left on device"),
        ("initdb: error: could not write: No space left on device\nbye\n",
         "initdb: error: could not write: No space left on device"),
    ],
)  # fmt: skip
def test_the_telling_line_is_the_one_with_the_error(output: str, line: str) -> None:
    assert telling_line(output) == line


def test_a_log_is_for_its_owner_alone(folder: Folder) -> None:
    process = folder.start(_python("pass"))
    wait_until(lambda: process.exit_code() is not None)
    assert (folder.path / "log" / "child.log").stat().st_mode & 0o777 == 0o600


def test_process_start_gives_the_output_to_a_caller_who_asks(folder: Folder) -> None:
    program = _python("print('answer')")
    process = process_start(program, run_dir=folder.path, log_dir=folder.path, has_output=True)
    assert process.stdout is not None
    assert process.stdout.read() == b"answer\n"
    process.stop()
